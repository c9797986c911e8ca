// Everything that one end ever said in sequence, kept byte by byte as it was first put on a link. Whatever is said
// again has to be the same bytes, and every new frame has to be one that the rules allow at this place. It reads the
// wire by itself: none of the session's own code judges what the session says.
import type { PeerLimits, SessionLimits } from "../../session/limits.ts";
import type { Session } from "../../session/session.ts";

type Fail = (invariant: string, message: string) => void;

/** What was said about one stream in this direction. */
interface Said {
  opened: boolean;
  dataBytes: number;
  fin: boolean;
  reset: boolean;
  /** It broke off both directions. */
  refused: boolean;
  stop: boolean;
  credit: number;
  /** Behind which byte of this direction the newest credit was granted, and what held before. */
  creditAt: number;
  creditBefore: number;
  /** Bytes of other streams that went by while this one could have sent. */
  passed: number;
  passedTurns: number;
}

const HEADER = 8;
/** What may be retained beyond S: control frames, and the last frame of data. */
const HEAD_ROOM = 65_536;
/** Streams that end within two rounds are not in the table any more. */
const OTHERS = 8;
const SIZES: Readonly<Record<number, number>> = { 0x82: 8, 0x83: 0, 0x84: 16, 0x85: 4, 0x86: 12 };

export class Sequence {
  /** Bytes said so far, repetitions not counted. */
  high = 0;
  /** Set by whoever runs the world, once known. */
  session: Session | undefined = undefined;
  other: Sequence | undefined = undefined;
  readonly streams: Map<number, Said> = new Map();
  lastGoAway = 0xffff_ffff;
  /** How far the present link was given of it. */
  cursor = 0;
  #bytes = new Uint8Array(4_096);
  /** Where the frame at `high` began, and how long it is with its header; 0 while its header is not complete. */
  #frameAt = 0;
  #frameBytes = 0;
  readonly #starts: number[] = [];
  #highestOpened = 0;
  readonly #fromClient: boolean;
  readonly #own: SessionLimits;
  readonly #peer: PeerLimits;
  readonly #fail: Fail;

  constructor(fromClient: boolean, own: SessionLimits, peer: PeerLimits, fail: Fail) {
    this.#fromClient = fromClient;
    this.#own = own;
    this.#peer = peer;
    this.#fail = fail;
  }

  /** How many of the bytes from `position` on belong to a frame that begins before it. */
  remainderAt(position: number): number {
    let low = 0;
    let above = this.#starts.length;
    while (low < above) {
      const middle = (low + above) >> 1;
      if (this.#starts[middle]! <= position) low = middle + 1;
      else above = middle;
    }
    const start = this.#starts[low - 1];
    if (start === undefined || start === position) return 0;
    const end = this.#starts[low] ?? this.#frameAt + this.#frameBytes;
    return Math.max(0, end - position);
  }

  /** Bytes at `position`; those below `high` are a repetition. */
  say(position: number, bytes: Uint8Array): void {
    if (position > this.high) this.#fail("positions", `${position - this.high} bytes were never said`);
    const again = Math.min(bytes.length, this.high - position);
    for (let i = 0; i < again; i++) {
      if (this.#bytes[position + i] === bytes[i]) continue;
      this.#fail("replay", `byte ${position + i} was ${this.#bytes[position + i]} and is now ${bytes[i]}`);
    }
    if (again < bytes.length) this.#append(bytes.subarray(again));
  }

  said(id: number): Said {
    let said = this.streams.get(id);
    if (said === undefined) {
      said = {
        opened: false,
        dataBytes: 0,
        fin: false,
        reset: false,
        refused: false,
        stop: false,
        credit: 0,
        creditAt: 0,
        creditBefore: 0,
        passed: 0,
        passedTurns: 0,
      };
      this.streams.set(id, said);
    }
    return said;
  }

  #append(bytes: Uint8Array): void {
    this.#grow(this.high + bytes.length);
    this.#bytes.set(bytes, this.high);
    const end = this.high + bytes.length;
    // The header counts as soon as it is there: rules about a frame hold when its first bytes are said.
    for (;;) {
      if (this.#frameBytes === 0) {
        if (end < this.#frameAt + HEADER) break;
        this.high = Math.max(this.high, this.#frameAt + HEADER);
        this.#begin();
      }
      if (end < this.#frameAt + this.#frameBytes) break;
      this.high = this.#frameAt + this.#frameBytes;
      this.#complete();
      this.#frameAt += this.#frameBytes;
      this.#frameBytes = 0;
    }
    this.high = end;
    this.#checkLog();
  }

  #grow(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(length, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  #begin(): void {
    const at = this.#frameAt;
    const length = (this.#bytes[at + 1]! << 16) | (this.#bytes[at + 2]! << 8) | this.#bytes[at + 3]!;
    this.#frameBytes = HEADER + length;
    this.#starts.push(at);
    const type = this.#bytes[at]!;
    if (type === 0x81) this.#checkData(this.#u32(at + 4), length);
    else if (type === 0x80 ? length < 2 || length > 4_096 : SIZES[type] !== length)
      this.#fail("frames", `type ${type.toString(16)} with ${length} bytes`);
  }

  #checkData(id: number, length: number): void {
    const said = this.said(id);
    const { other, session } = this;
    if (length < 1 || length > this.#peer.maxFrameBytes) this.#fail("frames", `DATA of ${length} bytes`);
    if (said.fin || said.reset) this.#fail("ends", `DATA on stream ${id} behind its end`);
    if (!said.opened && other?.said(id).opened !== true)
      this.#fail("streams", `DATA on stream ${id}, not open`);
    const credit = Math.max(this.#peer.initialCredit, other?.said(id).credit ?? 0);
    if (said.dataBytes + length > credit)
      this.#fail("credit", `stream ${id}: ${said.dataBytes + length} bytes, ${credit} granted`);
    said.dataBytes += length;
    if (session === undefined) return;
    this.#checkTurns(session, id, length);
    const inFlight = this.#frameAt + HEADER + length - session.position.txLow;
    if (inFlight > this.#own.replayBytes + HEADER)
      this.#fail("S", `DATA although ${inFlight} of ${this.#own.replayBytes} bytes are not acknowledged`);
  }

  /** Nobody who could send is passed over for longer than two rounds, in bytes and in turns: some turns are longer. */
  #checkTurns(session: Session, id: number, length: number): void {
    this.said(id).passed = this.said(id).passedTurns = 0;
    const { rx } = session.position;
    let streams = 0;
    for (const stream of session.streams()) {
      streams += 1;
      if (stream.id === id) continue;
      const said = this.said(stream.id);
      const theirs = this.other?.said(stream.id);
      const granted = theirs === undefined ? 0 : theirs.creditAt <= rx ? theirs.credit : theirs.creditBefore;
      const credit = Math.max(this.#peer.initialCredit, granted);
      const waits = said.opened || theirs?.opened === true;
      const ready = waits && stream.queuedBytes > 0 && said.dataBytes < credit && stream.bytesOut < credit;
      said.passed = ready ? said.passed + length : 0;
      said.passedTurns = ready ? said.passedTurns + 1 : 0;
      const rounds = 2 * (streams + OTHERS);
      const most = rounds * this.#own.sliceBytes + this.#peer.maxFrameBytes;
      if (said.passed > most && said.passedTurns > rounds)
        this.#fail("turns", `stream ${stream.id} was passed over for ${said.passed} bytes`);
    }
  }

  #complete(): void {
    const at = this.#frameAt;
    const type = this.#bytes[at]!;
    const id = this.#u32(at + 4);
    if (type === 0x80) return this.#checkOpen(id);
    if (type === 0x81) return;
    if (type === 0x86) return this.#checkGoAway(this.#u32(at + HEADER));
    const said = this.said(id);
    if (!said.opened && this.other?.said(id).opened !== true)
      this.#fail("streams", `type ${type.toString(16)} on stream ${id}, which nobody opened`);
    if (type === 0x82) this.#checkCredit(said, id, this.#u32(at + 8) * 2 ** 32 + this.#u32(at + 12));
    if (type === 0x83) {
      if (said.fin || said.reset) this.#fail("ends", `two ends of stream ${id}`);
      said.fin = true;
    }
    if (type === 0x84) this.#checkReset(said, id, at);
    if (type === 0x85) {
      if (said.stop) this.#fail("ends", `two STOPs on stream ${id}`);
      said.stop = true;
    }
  }

  #checkOpen(id: number): void {
    if (id % 2 !== (this.#fromClient ? 1 : 0)) this.#fail("streams", `OPEN of ${id} by the wrong end`);
    if (id <= this.#highestOpened) this.#fail("streams", `OPEN of ${id} after ${this.#highestOpened}`);
    this.#highestOpened = id;
    this.said(id).opened = true;
  }

  #checkGoAway(last: number): void {
    if (last > this.lastGoAway)
      this.#fail("goaway", `the last stream rose from ${this.lastGoAway} to ${last}`);
    this.lastGoAway = last;
  }

  #checkCredit(said: Said, id: number, credit: number): void {
    said.creditBefore = said.credit;
    said.creditAt = this.#frameAt + this.#frameBytes;
    if (credit <= said.credit) this.#fail("credit", `stream ${id}: from ${said.credit} to ${credit}`);
    if (said.stop || said.refused) this.#fail("credit", `for stream ${id} that was refused`);
    said.credit = credit;
  }

  #checkReset(said: Said, id: number, at: number): void {
    if (said.reset) this.#fail("ends", `two RESETs of stream ${id}`);
    said.reset = true;
    said.refused = this.#u32(at + 12) === 0;
    const final = this.#u32(at + 16) * 2 ** 32 + this.#u32(at + 20);
    if (final !== said.dataBytes) this.#fail("ends", `RESET of ${id} at ${final}, sent ${said.dataBytes}`);
    if (this.#u32(at + 12) > 1) this.#fail("frames", `RESET with flags ${this.#u32(at + 12)}`);
  }

  #checkLog(): void {
    if (this.session === undefined) return;
    const kept = this.high - this.session.position.txLow;
    if (kept > this.#own.replayBytes + HEAD_ROOM + this.#peer.maxFrameBytes + HEADER)
      this.#fail("log", `${kept} bytes are kept, S is ${this.#own.replayBytes}`);
  }

  #u32(at: number): number {
    const bytes = this.#bytes;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }
}
