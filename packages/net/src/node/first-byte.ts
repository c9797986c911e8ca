// What a connection wants, by the first byte that it sends. The byte stays in the socket.
import type { Socket } from "node:net";

export type Opening = "tls" | "http" | "session" | "unknown";

const TLS_HANDSHAKE = 0x16;
/** HELLO and RESUME: the only frames that may be the first of a session's link. */
const SESSION_OPENINGS: ReadonlySet<number> = new Set([0x01, 0x03]);
/** The methods of HTTP begin with these. A form's POST has to be answered, too, if only by a refusal. */
const HTTP_OPENINGS: ReadonlySet<number> = new Set(Buffer.from("GPHODCT"));

export function openingOf(byte: number): Opening {
  if (byte === TLS_HANDSHAKE) return "tls";
  if (SESSION_OPENINGS.has(byte)) return "session";
  return HTTP_OPENINGS.has(byte) ? "http" : "unknown";
}

/**
 * Wait for the first byte of a socket that nobody reads. `found` is not called if the socket ends before; then it is
 * destroyed. Afterwards the socket is as it was, and the next to read it gets every byte.
 */
export function awaitFirstByte(socket: Socket, found: (byte: number) => void): void {
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    const byte = chunk?.[0];
    if (chunk === null || byte === undefined) return;
    settle();
    socket.unshift(chunk);
    // Only now does the socket know that nobody waits for `readable` any more; before, a listener for `data` that is
    // meant for later would make it flow.
    process.nextTick(() => {
      if (!socket.destroyed) found(byte);
    });
  };
  const onEnd = (): void => {
    settle();
    socket.destroy();
  };
  const settle = (): void => {
    socket.removeListener("readable", onReadable);
    socket.removeListener("end", onEnd);
  };
  socket.on("readable", onReadable);
  socket.on("end", onEnd);
}
