// A port of the far side that leads to one this machine can reach (`ssh -R`). The far side forgets it with each link:
// it is asked for again on the next one, under the same number.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { openSocket, type Endpoint } from "@holdfast/net/node";
import type { Duplex } from "node:stream";
import { Changes } from "../connection/changes.ts";
import type { ConnectedMachine, Connection } from "../connection/connection.ts";
import { within } from "../connection/deadline.ts";
import type { RemoteListener } from "../plugin/network.ts";
import {
  FORWARD_LIMITS,
  type Forward,
  type ForwardLimits,
  type ForwardSettings,
  type ForwardStatus,
} from "./forward.ts";
import { breakStream, joinStreams } from "./join-streams.ts";

export interface ReverseForwardOptions extends ForwardSettings {
  /** Where the far side listens. Port 0: any, and that one again after each outage. */
  readonly listen: { readonly host: string; readonly port: number };
  /** As this machine calls it. */
  readonly target: Endpoint;
}

/** How long the replaced link may take to give its port back before the new one asks for it. */
const RELEASE_MS = 2_000;

/**
 * Resolves at once: whether the far side agrees is in its status.
 * @throws HoldfastError `unsupported` (fatal) if the plugin cannot.
 */
export function openReverseForward(connection: Connection, options: ReverseForwardOptions): Forward {
  const able = connection.abilities.reverse_forward;
  if (able !== true) {
    throw new HoldfastError({ code: "unsupported", message: able, kind: "fatal", fault: "local" });
  }
  const forward = new ReverseForward(connection, options);
  forward.start();
  return forward;
}

class ReverseForward implements Forward {
  readonly #connection: Connection;
  readonly #options: ReverseForwardOptions;
  readonly #limits: ForwardLimits;
  readonly #clock: Clock;
  readonly #changes: Changes<ForwardStatus> = new Changes(() => this.status);
  readonly #stop = new AbortController();
  readonly #retry: Timer;
  /** At most `maxConnections`. */
  readonly #streams = new Set<Duplex>();
  #machine: ConnectedMachine | undefined = undefined;
  #listener: RemoteListener | undefined = undefined;
  /** Kept when the listener is gone. */
  #address: Endpoint | undefined = undefined;
  #refused: HoldfastError | undefined = undefined;
  #failure: HoldfastError | undefined = undefined;
  /** The turns of asking for the port, one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(connection: Connection, options: ReverseForwardOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#limits = { ...FORWARD_LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#retry = this.#clock.timer(() => this.#listen(true));
  }

  start(): void {
    const release = this.#connection.onClose(() => this.close());
    this.#stop.signal.addEventListener("abort", release, { once: true });
    void this.#follow();
  }

  get status(): ForwardStatus {
    return {
      state: this.#state,
      address: this.#address,
      connections: this.#streams.size,
      waiting: 0,
      failure: this.#refused ?? this.#failure,
    };
  }

  changes({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<ForwardStatus> {
    return this.#changes.values(signal);
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(closedFailure());
    this.#retry.clear();
    for (const stream of this.#streams) breakStream(stream, closedFailure());
    this.#streams.clear();
    this.#changes.end();
    // A far side that says nothing is left to its link; what it opens late is closed then.
    await within(this.#clock, RELEASE_MS, this.#turn, closedFailure).catch(() => undefined);
    await this.#release();
  }

  get #state(): ForwardStatus["state"] {
    if (this.#stop.signal.aborted) return "closed";
    if (this.#connection.status.state !== "connected") return "waiting";
    if (this.#refused !== undefined) return "failed";
    return this.#listener === undefined ? "waiting" : "listening";
  }

  async #follow(): Promise<void> {
    for await (const { state } of this.#connection.changes({ signal: this.#stop.signal })) {
      if (state === "connected") this.#listen(false);
      else this.#retry.clear();
      this.#changes.touch();
    }
  }

  #listen(again: boolean): void {
    this.#turn = this.#turn.then(() => this.#ask(again));
  }

  /** Ask the present link for the port, unless it has been asked. Never rejects. */
  async #ask(again: boolean): Promise<void> {
    const machine = await this.#present();
    if (machine === undefined || (machine === this.#machine && !again)) return;
    this.#retry.clear();
    await this.#release();
    this.#machine = machine;
    const { host, port } = this.#options.listen;
    const asked = this.#address !== undefined && "port" in this.#address ? this.#address.port : port;
    try {
      const listener = await machine.listenTcp(host, asked, (stream) => void this.#serve(stream));
      this.#listener = listener;
      this.#address = { host: listener.host, port: listener.port };
      this.#refused = undefined;
      if (this.#stop.signal.aborted) await this.#release();
    } catch (thrown) {
      this.#refused = HoldfastError.from(thrown);
      // The link that was lost may hold the port for a while: the far side has not noticed yet.
      if (!this.#stop.signal.aborted) this.#retry.set(this.#limits.retryMs);
    }
    this.#changes.touch();
  }

  async #present(): Promise<ConnectedMachine | undefined> {
    if (this.#stop.signal.aborted) return undefined;
    try {
      return await this.#connection.machine({ waitMs: 0, signal: this.#stop.signal });
    } catch {
      return undefined;
    }
  }

  /** Give the far port back. Over a link that is gone there is nothing to give. */
  async #release(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) return;
    try {
      await within(this.#clock, RELEASE_MS, listener.close(), closedFailure);
    } catch {
      // It ends with its link at the latest.
    }
  }

  async #serve(stream: Duplex): Promise<void> {
    const { maxConnections, connectMs } = this.#limits;
    const { signal } = this.#stop;
    if (signal.aborted) return breakStream(stream, closedFailure());
    if (this.#streams.size >= maxConnections) {
      this.#failure = tooMany(maxConnections);
      this.#changes.touch();
      return breakStream(stream, this.#failure);
    }
    this.#streams.add(stream);
    this.#changes.touch();
    const clock = this.#clock;
    try {
      const socket = await openSocket(this.#options.target, { signal, timeoutMs: connectMs, clock });
      this.#failure = (await joinStreams(stream, socket)) ?? this.#failure;
    } catch (thrown) {
      this.#failure = HoldfastError.from(thrown);
      breakStream(stream, this.#failure);
    }
    this.#streams.delete(stream);
    if (!signal.aborted) this.#changes.touch();
  }
}

function tooMany(most: number): HoldfastError {
  const message = `there are ${most} connections already: another one was reset`;
  return new HoldfastError({ code: "too_many", message, fault: "local" });
}

function closedFailure(): HoldfastError {
  return new HoldfastError({
    code: "closed",
    message: "the forward was closed",
    kind: "fatal",
    fault: "local",
  });
}
