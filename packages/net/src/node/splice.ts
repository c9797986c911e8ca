// Two sockets become one connection: bytes are copied both ways until both sides are done.
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { readDirectly, type DirectRead } from "./direct-read.ts";
import type { Endpoint } from "./endpoint.ts";
import { formatEndpoint } from "./endpoint.ts";
import { onOrderlyEnd } from "./orderly-end.ts";
import { guardSocket, resetSocket } from "./socket-care.ts";
import { linkFailure } from "./socket-failure.ts";

export interface SpliceResult {
  /** Bytes that were read from the first and handed to the second. */
  readonly bytesAToB: number;
  /** Bytes that were read from the second and handed to the first. */
  readonly bytesBToA: number;
  /** What broke it; `undefined` if both sides came to an orderly end. */
  readonly error: HoldfastError | undefined;
}

/**
 * Copy both ways with back-pressure. An end on one side ends that direction only; an error on one side resets the
 * other, so that nobody takes a broken stream for a complete one. Both sockets are destroyed when it resolves.
 * Never rejects.
 */
export function splice(a: Socket, b: Socket): Promise<SpliceResult> {
  return new Promise((resolve) => new Splice(a, b, resolve));
}

/** One direction: where its bytes come from, where they go, and how many there were. */
interface Way {
  readonly from: Socket;
  readonly to: Socket;
  readonly source: Endpoint;
  bytes: number;
  /** Absent if everything comes by `data`. */
  reading: DirectRead | undefined;
}

class Splice {
  readonly #ways: readonly [Way, Way];
  readonly #resolve: (result: SpliceResult) => void;
  #open = 2;
  #error: HoldfastError | undefined;

  constructor(a: Socket, b: Socket, resolve: (result: SpliceResult) => void) {
    this.#resolve = resolve;
    this.#ways = [
      { from: a, to: b, source: peerOf(a), bytes: 0, reading: undefined },
      { from: b, to: a, source: peerOf(b), bytes: 0, reading: undefined },
    ];
    for (const way of this.#ways) this.#watch(way);
    for (const way of this.#ways) this.#copy(way);
  }

  #watch(way: Way): void {
    const { from } = way;
    guardSocket(from);
    from.once("error", (error) => (this.#error ??= linkFailure(way.source, error)));
    if (from.closed) queueMicrotask(() => this.#closed(way));
    else from.once("close", () => this.#closed(way));
  }

  #copy(way: Way): void {
    const { from, to } = way;
    if (from.destroyed || to.destroyed) return;
    way.reading = this.#readDirectly(way);
    from.on("data", (chunk: Buffer) => {
      way.bytes += chunk.length;
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => from.resume());
    onOrderlyEnd(from, () => to.end());
    from.resume();
  }

  /** One buffer for all that comes: it is read into again as soon as the system has taken what is in it. */
  #readDirectly(way: Way): DirectRead | undefined {
    const { from, to } = way;
    // Somebody else counts on seeing the bytes as well.
    if (from.listenerCount("data") > 0) return undefined;
    let stopped = false;
    // Not by `drain` alone, which comes only after a write that reached the mark.
    const taken = (): void => {
      if (!stopped || to.writableLength > 0) return;
      stopped = false;
      from.resume();
    };
    return readDirectly(from, (bytes) => {
      way.bytes += bytes.length;
      to.write(bytes, taken);
      stopped = to.writableLength > 0;
      return !stopped;
    });
  }

  /** Both orderly ends are needed: without them the other side must not look as if it were complete. */
  #closed({ from, to, source, reading }: Way): void {
    reading?.end(to.writableLength === 0);
    if (!from.readableEnded || !from.writableFinished) {
      this.#error ??= linkFailure(source, from.errored ?? cutShort(source));
      resetSocket(to);
    }
    if (--this.#open > 0) return;
    const [there, back] = this.#ways;
    this.#resolve({ bytesAToB: there.bytes, bytesBToA: back.bytes, error: this.#error });
  }
}

function peerOf(socket: Socket): Endpoint {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined
    ? { path: "the socket" }
    : { host: remoteAddress, port: remotePort ?? 0 };
}

function cutShort(source: Endpoint): HoldfastError {
  const message = `the connection to ${formatEndpoint(source)} was closed before it was complete`;
  return new HoldfastError({ code: "connection_cut", message, fault: "local" });
}
