// Two connections become one: both ways with back-pressure, half-close kept. Whatever breaks one side breaks the other,
// so that nobody takes a broken connection for a complete one.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { resetSocket, type Socket } from "@holdfast/net/node";

/** Resolves when both are closed. Never rejects. */
export async function joinDuplexes(a: Duplex, b: Duplex): Promise<void> {
  await Promise.all([copy(a, b), copy(b, a)]);
}

function copy(from: Duplex, to: Duplex): Promise<void> {
  from.on("error", () => undefined);
  return new Promise((resolve) => {
    const closed = (): void => {
      if (!from.readableEnded || !from.writableFinished) breakOff(to);
      resolve();
    };
    if (from.closed) return closed();
    from.once("close", closed);
    from.pipe(to);
  });
}

function breakOff(stream: Duplex): void {
  if (stream.destroyed) return;
  if (typeof (stream as Partial<Socket>).resetAndDestroy === "function") return resetSocket(stream as Socket);
  const message = "the connection was closed before it was complete";
  stream.destroy(new HoldfastError({ code: "connection_cut", message, fault: "peer" }));
}
