// Reading a link: what comes is taken in large pieces, whose memory is used again as soon as nobody holds it. TLS gives
// its bytes in records of 16 KiB; they are gathered, for one delivery in each turn of the event loop.
import type { Socket } from "node:net";
import type { DirectReader } from "./direct-read.ts";
import { attachReader, isTls, Turns } from "./direct-read.ts";
import { LARGE_BYTES, ReadMemory } from "./read-memory.ts";

/** As `ByteLink.read` says: `true` if nobody holds the piece's memory any more. */
export type TakePiece = (bytes: Uint8Array) => boolean;

/** The reading of one link, from the moment when somebody wants its bytes. */
export class LinkRead implements DirectReader {
  readonly #socket: Socket;
  readonly #take: TakePiece;
  readonly #heard: () => void;
  readonly #gathers: boolean;
  readonly #turns: Turns;
  readonly #memory: ReadMemory = new ReadMemory();
  readonly #detach: (() => void) | undefined;
  /** What is gathered lies in the memory's region from here … */
  #from = 0;
  /** … to here, where the system reads into next: that cannot be changed before it has. */
  #at = 0;
  /** Nobody holds what was delivered of this region. */
  #free = true;
  /** What came while it was held back, or by `data`: bounded by what one read of the system decrypts. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #flushing: NodeJS.Immediate | undefined;
  #held = false;
  #over = false;
  #whenEmpty: (() => void) | undefined;

  /** `heard` is called at once for each arrival that does not come by `data`. */
  constructor(socket: Socket, take: TakePiece, heard: () => void) {
    this.#socket = socket;
    this.#take = take;
    this.#heard = heard;
    this.#gathers = isTls(socket);
    this.#turns = new Turns(socket);
    this.#detach = attachReader(socket, this);
    socket.on("data", this.#onData);
    socket.resume();
  }

  hold(held: boolean): void {
    if (this.#over || held === this.#held) return;
    this.#held = held;
    if (held) return void this.#socket.pause();
    this.#socket.resume();
    this.#scheduleFlush();
  }

  /** Deliver what was gathered. */
  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#held) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (waiting.length > 0) this.#deliver(joined(waiting));
    const gathered = this.#memory.region.subarray(this.#from, this.#at);
    this.#from = this.#at;
    if (gathered.length > 0 && !this.#deliver(gathered)) this.#free = false;
    // It may have been held back again by what was delivered.
    if (this.#waiting.length > 0) return;
    const whenEmpty = this.#whenEmpty;
    this.#whenEmpty = undefined;
    whenEmpty?.();
  }

  /** Nothing more comes: deliver what was gathered, now or when it is no longer held back, and then call. */
  finish(whenEmpty: () => void): void {
    this.#whenEmpty = whenEmpty;
    this.flush();
  }

  /** Nobody wants anything more. */
  stop(): void {
    this.#over = true;
    this.#held = false;
    this.#whenEmpty = undefined;
    this.flush();
    this.#socket.removeListener("data", this.#onData);
  }

  /** The socket is closed: nothing is read into its memory any more. */
  release(): void {
    this.stop();
    this.#detach?.();
    this.#memory.release(this.#free);
  }

  memory(): Buffer {
    return this.#memory.region.subarray(this.#at);
  }

  take(count: number, memory: Buffer): boolean {
    this.#heard();
    if (this.#gathers) {
      this.#gather(count);
      return true;
    }
    this.#free = this.#deliver(memory.subarray(0, count));
    this.#memory.used(count, !this.#free);
    return this.#turns.mayGoOn(count, true);
  }

  #gather(count: number): void {
    this.#at += count;
    const { region } = this.#memory;
    if (this.#at < region.length) return this.#scheduleFlush();
    // Most of it in one turn: a larger one would be of use.
    const filled = this.#at - this.#from > region.length / 2;
    if (this.#held) {
      this.#wait(region.subarray(this.#from));
      this.#free = false;
    } else {
      this.flush();
    }
    this.#memory.used(region.length, !this.#free, filled);
    this.#from = this.#at = 0;
    this.#free = true;
  }

  /** What was read before, first; and everything, where reading directly is not possible. */
  readonly #onData = (bytes: Buffer): void => {
    if (!this.#gathers) return void this.#deliver(bytes);
    this.#wait(bytes);
    if (this.#waitingBytes >= LARGE_BYTES) this.flush();
    else this.#scheduleFlush();
  };

  #deliver(bytes: Uint8Array): boolean {
    if (this.#over) return true;
    if (!this.#held) return this.#take(bytes);
    this.#wait(bytes);
    return false;
  }

  #wait(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #scheduleFlush(): void {
    if (!this.#held && !this.#over) this.#flushing ??= setImmediate(() => this.flush());
  }
}

/** One piece out of several, because each delivery costs the other side a write. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}
