// Reading many sockets into one buffer of the process: large reads, and no memory at all for those that are idle. What
// was read has to be copied out at once.
import type { Socket } from "node:net";
import { attachReader, isTls, Turns } from "./direct-read.ts";

const SHARED_BYTES = 256 * 1_024;

let shared: Buffer | undefined;

/**
 * Read what comes from now on by `take`, which must copy what it needs; `false` stops the reading until `resume`. What
 * was read before, and everything where reading directly is not possible, comes by `data`, with the same consequence.
 * @returns how to end it, once the socket is closed.
 */
export function readToCopy(socket: Socket, take: (bytes: Buffer, mine: boolean) => boolean): () => void {
  socket.on("data", (bytes: Buffer) => {
    if (!take(bytes, true)) socket.pause();
  });
  // TLS goes on giving what it has decrypted after it was told to stop, and Windows reads ahead into what it was given.
  if (isTls(socket) || process.platform === "win32") return () => undefined;
  const memory = (shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES));
  const turns = new Turns(socket);
  const detach = attachReader(socket, {
    memory: () => memory,
    take: (count) => turns.mayGoOn(count, take(memory.subarray(0, count), false)),
  });
  return detach ?? (() => undefined);
}
