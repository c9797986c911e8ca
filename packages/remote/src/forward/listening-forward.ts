// A port of this machine whose visitors go over a connection: the listener stays while links come and go.
import { HoldfastError, type Clock } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { listen, resetSocket, type Endpoint, type Listener, type Socket } from "@holdfast/net/node";
import type { Duplex } from "node:stream";
import { Changes } from "../connection/changes.ts";
import type { ConnectedMachine, Connection } from "../connection/connection.ts";
import { within } from "../connection/deadline.ts";
import {
  FORWARD_LIMITS,
  type Forward,
  type ForwardLimits,
  type ForwardSettings,
  type ForwardStatus,
} from "./forward.ts";
import { joinStreams } from "./join-streams.ts";
import type { Visit } from "./visit.ts";

export type Meet = (socket: Socket, clock: Clock, limits: ForwardLimits) => Promise<Visit>;

/** The link went before anything was sent: another one will do as well. */
const LINK_GONE: ReadonlySet<string> = new Set(["link_lost", "link_replaced", "not_connected"]);

/** @throws HoldfastError `unsupported` if the plugin cannot; what `listen` says of the address. */
export async function openListening(
  connection: Connection,
  endpoint: Endpoint,
  meet: Meet,
  settings: ForwardSettings,
): Promise<Forward> {
  const able = connection.abilities.forward;
  if (able !== true) {
    throw new HoldfastError({ code: "unsupported", message: able, kind: "fatal", fault: "local" });
  }
  const forward = new ListeningForward(connection, meet, settings);
  await forward.open(endpoint);
  return forward;
}

class ListeningForward implements Forward {
  readonly #connection: Connection;
  readonly #meet: Meet;
  readonly #limits: ForwardLimits;
  readonly #clock: Clock;
  readonly #changes: Changes<ForwardStatus> = new Changes(() => this.status);
  readonly #stop = new AbortController();
  /** At most `maxConnections`. */
  readonly #sockets = new Set<Socket>();
  #listener: Listener | undefined = undefined;
  #waiting = 0;
  #failure: HoldfastError | undefined = undefined;

  constructor(connection: Connection, meet: Meet, { limits, clock = systemClock }: ForwardSettings) {
    this.#connection = connection;
    this.#meet = meet;
    this.#limits = { ...FORWARD_LIMITS, ...limits };
    this.#clock = clock;
  }

  async open(endpoint: Endpoint): Promise<void> {
    const release = this.#connection.onClose(() => this.close());
    this.#stop.signal.addEventListener("abort", release, { once: true });
    try {
      this.#listener = await listen({
        endpoint,
        onConnection: (socket) => void this.#serve(socket),
        onError: (failure) => this.#note(failure),
      });
    } catch (thrown) {
      release();
      throw thrown;
    }
    // The connection may have been closed meanwhile.
    if (this.#stop.signal.aborted) await this.#listener.close();
    this.#stop.signal.throwIfAborted();
    void this.#follow();
  }

  get status(): ForwardStatus {
    return {
      state: this.#state,
      address: this.#listener?.endpoint,
      connections: this.#sockets.size,
      waiting: this.#waiting,
      failure: this.#failure,
    };
  }

  changes({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<ForwardStatus> {
    return this.#changes.values(signal);
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(closedFailure());
    const closed = this.#listener?.close();
    for (const socket of this.#sockets) resetSocket(socket);
    this.#sockets.clear();
    this.#changes.end();
    await closed;
  }

  get #state(): ForwardStatus["state"] {
    if (this.#stop.signal.aborted) return "closed";
    return this.#connection.status.state === "connected" ? "listening" : "waiting";
  }

  /** What is shown depends on the connection. */
  async #follow(): Promise<void> {
    let shown = this.#state;
    for await (const _ of this.#connection.changes({ signal: this.#stop.signal })) {
      if (this.#state !== shown) this.#changes.touch();
      shown = this.#state;
    }
  }

  #note(failure: HoldfastError): void {
    this.#failure = failure;
    this.#changes.touch();
  }

  async #serve(socket: Socket): Promise<void> {
    if (this.#stop.signal.aborted) return resetSocket(socket);
    if (this.#sockets.size >= this.#limits.maxConnections) {
      this.#note(tooMany("connections", this.#limits.maxConnections));
      return resetSocket(socket);
    }
    this.#sockets.add(socket);
    this.#changes.touch();
    const failure = await this.#pass(socket);
    this.#sockets.delete(socket);
    if (this.#stop.signal.aborted) return;
    this.#failure = failure ?? this.#failure;
    this.#changes.touch();
  }

  /** From the first byte to the last. What went wrong, if anything did. */
  async #pass(socket: Socket): Promise<HoldfastError | undefined> {
    let visit: Visit | undefined = undefined;
    try {
      visit = await this.#meet(socket, this.#clock, this.#limits);
      const stream = await this.#reach(visit);
      if (!socket.destroyed) visit.opened?.();
      return await joinStreams(socket, stream);
    } catch (thrown) {
      const failure = HoldfastError.from(thrown);
      if (visit?.refused === undefined || this.#stop.signal.aborted) resetSocket(socket);
      else visit.refused(failure);
      return failure;
    }
  }

  /** A stream to where the visitor wants to go, over this link or a later one. */
  async #reach(visit: Visit): Promise<Duplex> {
    const until = this.#clock.mono() + this.#limits.waitMs;
    let last: ConnectedMachine | undefined = undefined;
    for (;;) {
      const machine = await this.#machine(Math.max(0, until - this.#clock.mono()), last);
      try {
        return await this.#connect(machine, visit);
      } catch (thrown) {
        if (!LINK_GONE.has(HoldfastError.from(thrown).code)) throw thrown;
        last = machine;
      }
    }
  }

  async #machine(waitMs: number, after: ConnectedMachine | undefined): Promise<ConnectedMachine> {
    const { maxWaiting } = this.#limits;
    const waits = this.#connection.status.state !== "connected" || after !== undefined;
    if (!waits) return this.#connection.machine({ waitMs, after });
    if (this.#waiting >= maxWaiting) throw tooMany("waiting connections", maxWaiting);
    this.#waiting += 1;
    this.#changes.touch();
    try {
      return await this.#connection.machine({ waitMs, after, signal: this.#stop.signal });
    } finally {
      this.#waiting -= 1;
    }
  }

  async #connect(machine: ConnectedMachine, { host, port }: Visit): Promise<Duplex> {
    const { connectMs } = this.#limits;
    const opening = machine.connectTcp(host, port);
    try {
      const stream = await within(this.#clock, connectMs, opening, () => noAnswer(connectMs));
      if (!this.#stop.signal.aborted) return stream;
      stream.destroy();
      throw closedFailure();
    } catch (thrown) {
      // It may still come, when nobody wants it any more.
      opening.then(
        (late) => late.destroy(),
        () => undefined,
      );
      throw thrown;
    }
  }
}

function tooMany(what: string, most: number): HoldfastError {
  const message = `there are ${most} ${what} already: another one was reset`;
  return new HoldfastError({ code: "too_many", message, fault: "local" });
}

function noAnswer(ms: number): HoldfastError {
  return new HoldfastError({ code: "timed_out", message: `the far side did not connect within ${ms} ms` });
}

function closedFailure(): HoldfastError {
  return new HoldfastError({
    code: "closed",
    message: "the forward was closed",
    kind: "fatal",
    fault: "local",
  });
}
