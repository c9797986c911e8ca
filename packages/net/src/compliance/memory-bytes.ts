// Byte links within the process: two ends, bytes that arrive in order in a later turn, and a way to cut them. For the
// suite of sessions, which runs over them as over every other transport.
import { HoldfastError } from "@holdfast/core";
import type { AcceptedByteLink, ByteLink, ByteLinkTrust } from "../byte-link.ts";
import type { Attempt } from "../link.ts";

/** What one direction takes in one turn of the event loop, in bytes. */
const BYTES_A_TURN = 192 * 1_024;

const TRUST: ByteLinkTrust = { confidential: true, exporter: undefined, relayIdentity: "name:memory" };

export interface MemoryBytes {
  readonly near: ByteLink;
  readonly far: AcceptedByteLink;
  /** Break it: what is on the way is lost, and both ends are told. */
  cut(): void;
}

/** A link, seen from both ends. The near one was dialled by the attempt. */
export function memoryBytes(attempt: Pick<Attempt, "heard" | "lost">): MemoryBytes {
  let onEnd: (cause: unknown) => void = () => undefined;
  const near = new MemoryEnd(attempt.heard, attempt.lost);
  const far = new MemoryEnd(
    () => undefined,
    (cause) => onEnd(cause),
  );
  near.other = far;
  far.other = near;
  return {
    near,
    far: Object.assign(far, {
      remoteAddress: "memory",
      onEnd: (listener: (cause: unknown) => void) => void (onEnd = listener),
    }),
    cut: () => {
      near.break("network");
      far.break("network");
    },
  };
}

class MemoryEnd implements ByteLink {
  readonly trust: ByteLinkTrust = TRUST;
  other: MemoryEnd | undefined = undefined;
  readonly #heard: () => void;
  readonly #lost: (cause: unknown) => void;
  #take: ((bytes: Uint8Array) => boolean) | undefined = undefined;
  #taken: () => void = () => undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #ended = false;
  #closed = false;
  #told = false;
  #held = false;
  #due = false;

  constructor(heard: () => void, lost: (cause: unknown) => void) {
    this.#heard = heard;
    this.#lost = lost;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  read(take: (bytes: Uint8Array) => boolean): void {
    this.#take = take;
    this.other?.schedule();
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#ended) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.schedule();
  }

  cork(): void {
    // All that is written in one turn leaves together anyway.
  }

  uncork(): void {
    // See `cork`.
  }

  onTaken(listener: () => void): void {
    this.#taken = listener;
  }

  hold(held: boolean): void {
    this.#held = held;
    this.other?.schedule();
  }

  end(): void {
    this.#ended = true;
    this.schedule();
  }

  close(): void {
    if (this.#closed) return;
    this.#drop();
    this.other?.break("peer");
  }

  break(fault: "peer" | "network"): void {
    if (this.#closed) return;
    this.#drop();
    const message = "the memory link was cut";
    queueMicrotask(() => this.#tell(new HoldfastError({ code: "connection_reset", message, fault })));
  }

  schedule(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#due = false;
    const { other } = this;
    if (this.#closed || other === undefined || other.#take === undefined || other.#held) return;
    let room = BYTES_A_TURN;
    const pieces: Uint8Array[] = [];
    for (let piece = this.#queue.shift(); piece !== undefined; piece = this.#queue.shift()) {
      pieces.push(piece);
      room -= piece.length;
      if (room <= 0) break;
    }
    if (this.#queue.length > 0) this.schedule();
    if (pieces.length > 0) this.#arrive(other, Buffer.concat(pieces));
    if (this.#ended && this.#queue.length === 0 && !other.#closed) {
      other.#take = undefined;
      other.#tell(undefined);
    }
  }

  #tell(cause: unknown): void {
    if (this.#told) return;
    this.#told = true;
    this.#lost(cause);
  }

  /** A piece whose memory nobody holds is spoilt, as it is with links that read into it again. */
  #arrive(other: MemoryEnd, bytes: Buffer): void {
    this.#queuedBytes -= bytes.length;
    other.#heard();
    if (other.#take?.(bytes) === true) bytes.fill(0xdd);
    this.#taken();
  }

  #drop(): void {
    this.#closed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#take = undefined;
  }
}
