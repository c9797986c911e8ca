// The transport within one process, for tests and for programs that talk to themselves: byte streams with
// back-pressure, half close and resets, as a socket has, and if wanted with a latency on an injected clock.
import { HoldfastError } from "@holdfast/core";
import type { Clock } from "@holdfast/core";
import { systemClock } from "./host.ts";
import type { Attempt, Dial, Link } from "./link.ts";
import { MemoryPipe } from "./memory-pipe.ts";

/** One end of a connection. */
export interface MemoryEnd {
  /** Resolves when there is room for more. Rejects if the connection was reset or closed. */
  send(bytes: Uint8Array): Promise<void>;
  /** The next bytes; `undefined` after the other side's `end()`. Rejects if the connection was reset. */
  receive(): Promise<Uint8Array | undefined>;
  /** Nothing more will be sent; the other direction goes on. */
  end(): void;
  /** Break it: what is on the way is lost, and the other side gets an error. */
  reset(): void;
}

/** A link that is one end of a connection within this process. */
export interface MemoryLink extends Link, MemoryEnd {}

export interface MemoryListener {
  /** Stop accepting: dials are refused. Connections go on. */
  close(): void;
}

export interface MemoryHubOptions {
  /** Default: the machine's. Used only with a latency. */
  readonly clock?: Clock;
  /** How long bytes are on the way, in milliseconds. Default 0. */
  readonly latencyMs?: number;
  /** How many bytes may wait in one direction before `send` waits. Default 65,536. */
  readonly maxQueuedBytes?: number;
}

export interface MemoryHub {
  /**
   * Accept connections under a name.
   * @throws HoldfastError `address_in_use` if the name is taken.
   */
  listen(name: string, onConnection: (end: MemoryEnd) => void): MemoryListener;
  /** Take the name and never answer: dials wait until they are cancelled. */
  listenSilently(name: string): MemoryListener;
  /** A dial to whoever listens under the name at that moment. */
  dial(name: string): Dial<MemoryLink, unknown>;
}

/** A little network of its own. Two hubs know nothing of each other. */
export function memoryHub(options: MemoryHubOptions = {}): MemoryHub {
  const names = new Map<string, ((end: MemoryEnd) => void) | "silent">();
  const listen = (name: string, accept: ((end: MemoryEnd) => void) | "silent"): MemoryListener => {
    if (names.has(name)) {
      throw new HoldfastError({
        code: "address_in_use",
        message: `${name} is already in use`,
        fault: "local",
      });
    }
    names.set(name, accept);
    return {
      close: () => {
        if (names.get(name) === accept) names.delete(name);
      },
    };
  };
  return {
    listen: (name, onConnection) => listen(name, (end) => onConnection(end)),
    listenSilently: (name) => listen(name, "silent"),
    dial: (name) => (attempt) => open(name, names.get(name), attempt, options),
  };
}

async function open(
  name: string,
  accept: ((end: MemoryEnd) => void) | "silent" | undefined,
  attempt: Attempt,
  options: MemoryHubOptions,
): Promise<MemoryLink> {
  if (attempt.signal.aborted) throw cancelled(attempt);
  if (accept === undefined) {
    throw new HoldfastError({ code: "connection_refused", message: `nobody listens as ${name}` });
  }
  if (accept === "silent") {
    return new Promise((_, reject) => {
      attempt.signal.addEventListener("abort", () => reject(cancelled(attempt)), { once: true });
    });
  }
  const { clock = systemClock, latencyMs = 0, maxQueuedBytes = 65_536 } = options;
  const there = new MemoryPipe(clock, latencyMs, maxQueuedBytes);
  const back = new MemoryPipe(clock, latencyMs, maxQueuedBytes);
  const link = memoryLink(end(back, there), back, attempt);
  accept(end(there, back));
  return link;
}

function memoryLink(near: MemoryEnd, incoming: MemoryPipe, attempt: Attempt): MemoryLink {
  let live = true;
  const report = (tell: () => void): void => {
    if (live) tell();
  };
  incoming.onBytes = () => report(() => attempt.heard());
  incoming.onOver = (error) =>
    report(() => {
      live = false;
      attempt.lost(error);
    });
  return {
    ...near,
    close() {
      live = false;
      near.reset();
    },
  };
}

function end(incoming: MemoryPipe, outgoing: MemoryPipe): MemoryEnd {
  return {
    send: (bytes) => outgoing.send(bytes),
    receive: () => incoming.receive(),
    end: () => outgoing.end(),
    reset() {
      outgoing.reset();
      incoming.drop();
    },
  };
}

function cancelled(attempt: Attempt): unknown {
  const { reason } = attempt.signal;
  if (reason instanceof HoldfastError) return reason;
  return new HoldfastError({
    code: "aborted",
    message: "the dial was cancelled",
    fault: "local",
    cause: reason,
  });
}
