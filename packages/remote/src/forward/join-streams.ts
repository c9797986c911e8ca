// Two streams become one connection: bytes are copied both ways, an end on one side ends that direction only, and a
// break on one side breaks the other, so that nobody takes a broken stream for a complete one.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { onOrderlyEnd, resetSocket, type Socket } from "@holdfast/net/node";

/** Both are destroyed when it resolves, with what broke them, if anything did. Never rejects. */
export function joinStreams(a: Duplex, b: Duplex): Promise<HoldfastError | undefined> {
  return new Promise((resolve) => {
    let open = 2;
    let failure: HoldfastError | undefined = undefined;
    const closed = (from: Duplex, to: Duplex): void => {
      if (!from.readableEnded || !from.writableFinished) {
        failure ??= HoldfastError.from(from.errored ?? cutShort());
        breakStream(to, failure);
      }
      open -= 1;
      if (open === 0) resolve(failure);
    };
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.on("error", () => undefined);
      if (from.closed) queueMicrotask(() => closed(from, to));
      else from.once("close", () => closed(from, to));
      copy(from, to);
    }
  });
}

/** End a stream as broken: a socket's peer sees a reset. */
export function breakStream(stream: Duplex, failure: HoldfastError): void {
  if (isSocket(stream)) return resetSocket(stream);
  stream.on("error", () => undefined);
  stream.destroy(failure);
}

function copy(from: Duplex, to: Duplex): void {
  if (from.destroyed || to.destroyed) return;
  from.on("data", (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
  const end = (): void => void to.end();
  // A reset that arrives behind unread bytes looks like an end on a socket, until it is asked.
  if (isSocket(from)) onOrderlyEnd(from, end);
  else if (from.readableEnded) end();
  else from.once("end", end);
  from.resume();
}

function isSocket(stream: Duplex): stream is Socket {
  return "resetAndDestroy" in stream;
}

function cutShort(): HoldfastError {
  return new HoldfastError({ code: "connection_cut", message: "it was closed before it was complete" });
}
