// Telling a complete stream from a broken one. When a reset arrives behind bytes that are still unread, Node reads
// the bytes and then reports an orderly end (libuv takes the hang-up for one), so that a cut stream looks complete.
// A write of no bytes brings the truth: the system answers it with the reset that it still remembers.
import type { Socket } from "node:net";

const NOTHING = Buffer.alloc(0);

/**
 * As `socket.once("end")`, but not for a reset in disguise: that comes as `error` and `close`. It can only be told
 * on TCP, and while this side has not ended its own direction.
 */
export function onOrderlyEnd(socket: Socket, listener: () => void): void {
  const confirm = (): void => {
    if (!socket.writable || !isTcp(socket)) return listener();
    if (socket.writableLength > 0) {
      // A write that waits fails in this same turn of the loop; another one would have to wait behind it.
      setImmediate(() => socket.destroyed || listener());
      return;
    }
    socket.write(NOTHING, (error) => {
      if (error === null || error === undefined) listener();
    });
  };
  if (socket.readableEnded) confirm();
  else socket.once("end", confirm);
}

/** A unix socket answers every write after the peer's close with an error. */
function isTcp(socket: Socket): boolean {
  // The remote address may be known already, the local one outlives a reset: both are asked of the system otherwise.
  return socket.remoteFamily !== undefined || socket.localFamily !== undefined;
}
