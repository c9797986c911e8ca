// What every socket of ours gets, whoever made it: no delay, keepalive, and a listener for errors, so that an
// error that comes late (after a reset, after everyone lost interest) can never end the process.
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";

export type { Socket };

/** Idle time before the first TCP keepalive probe. Node fixes the interval of the probes at 1 s. */
export const KEEPALIVE_IDLE_MS = 15_000;

/** Make late errors harmless. Who wants to know of errors adds a listener of their own. */
export function guardSocket(socket: Socket): void {
  if (socket.listenerCount("error", ignoreError) === 0) socket.on("error", ignoreError);
}

/** No delay and keepalive. A refusal is a warning: the socket works without them, only worse. */
export function tuneSocket(socket: Socket, onWarning?: (warning: HoldfastError) => void): void {
  try {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_IDLE_MS);
  } catch (cause) {
    const message = "the system refused no-delay or keepalive on a socket";
    onWarning?.(new HoldfastError({ code: "socket_option_refused", message, fault: "local", cause }));
  }
}

/** End a connection as broken: the other side sees a reset, not an end. Safe on any socket, in any state. */
export function resetSocket(socket: Socket): void {
  guardSocket(socket);
  if (socket.destroyed) return;
  // A socket that still connects has nothing to reset, and Node would keep it until it has connected.
  if (socket.connecting) return void socket.destroy();
  try {
    socket.resetAndDestroy();
  } catch {
    // A unix socket or TLS: only TCP knows resets.
    socket.destroy();
  }
}

function ignoreError(): void {
  // Whoever cares has a listener of their own.
}
