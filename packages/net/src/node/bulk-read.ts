// Reading many sockets to send their bytes on: those that say little share one buffer of the process, which costs an
// idle socket nothing, and what they say is copied out of it; one that fills it gets blocks of its own, and what they
// bring is sent on without a copy.
import type { Socket } from "node:net";
import { Block, BLOCK_BYTES } from "./block.ts";
import { attachReader, isTls, Turns, type DirectReader } from "./direct-read.ts";

/** A read of so much, in bytes, is bulk … */
const BULK_BYTES = 64 * 1_024;
/** … and while it lasts, one of so little is copied, and one below it ends it. */
const SMALL_BYTES = 4 * 1_024;

/** Takes bytes that are its own now; `released`, if given, is to be called when nobody needs them any more. */
export type TakeRead = (bytes: Buffer, released: (() => void) | undefined) => boolean;

let shared: Buffer | undefined;

/**
 * Read what comes from now on; `take` returns `false` to stop the reading until `resume`. What was read before, and
 * everything where reading directly is not possible, comes by `data`, with the same consequence.
 * @returns how to end it, once the socket is closed.
 */
export function readBulk(socket: Socket, take: TakeRead): () => void {
  socket.on("data", (bytes: Buffer) => {
    if (!take(bytes, undefined)) socket.pause();
  });
  // TLS goes on giving what it has decrypted after it was told to stop, and Windows reads ahead into what it was given.
  if (isTls(socket) || process.platform === "win32") return () => undefined;
  const reader = new BulkReader(socket, take);
  const detach = attachReader(socket, reader);
  if (detach === undefined) return () => undefined;
  return () => {
    reader.end();
    detach();
  };
}

class BulkReader implements DirectReader {
  readonly #turns: Turns;
  readonly #take: TakeRead;
  #block: Block | undefined = undefined;

  constructor(socket: Socket, take: TakeRead) {
    this.#turns = new Turns(socket);
    this.#take = take;
  }

  memory(): Buffer {
    return this.#block?.room ?? (shared ??= Buffer.allocUnsafeSlow(BLOCK_BYTES));
  }

  take(count: number, memory: Buffer): boolean {
    const block = this.#block;
    if (block === undefined) {
      const wanted = this.#take(Buffer.from(memory.subarray(0, count)), undefined);
      if (count >= BULK_BYTES) this.#block = Block.take();
      return this.#turns.mayGoOn(count, wanted);
    }
    if (count < SMALL_BYTES) {
      this.end();
      return this.#turns.mayGoOn(count, this.#take(Buffer.from(memory.subarray(0, count)), undefined));
    }
    const bytes = block.hold(count);
    if (block.full) {
      block.leave();
      this.#block = Block.take();
    }
    return this.#turns.mayGoOn(count, this.#take(bytes, block.release));
  }

  end(): void {
    this.#block?.leave();
    this.#block = undefined;
  }
}
