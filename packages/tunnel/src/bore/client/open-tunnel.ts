// A tunnel through a bore relay: a line that keeps the port, and the streams of its visitors beside it.
import { HoldfastError, type Clock, type Policy, type Random } from "@holdfast/core";
import { connect, systemClock, type ConnectOptions, type Line, type WakeSource } from "@holdfast/net";
import type { Endpoint } from "@holdfast/net/node";
import { secretKey } from "../auth.ts";
import { harmless } from "../../listener.ts";
import { BORE_PORT } from "../relay/options.ts";
import { boreDial, type BoreLink } from "./dial.ts";
import { Streams, type StreamEvent } from "./streams.ts";
import { parseTarget } from "../../client/target.ts";
import { gotPort, lostPort, mustForget, nextPort, type WantedPort } from "../../client/wanted-port.ts";

export interface BoreTunnelOptions extends Policy {
  /** The relay. Default port 7835. */
  readonly relay: { readonly host: string; readonly port?: number };
  /** Where visitors end up: an endpoint, or a text for `parseTarget`. */
  readonly target: Endpoint | string;
  /** The public port; 0 (default) is any. */
  readonly port?: number;
  readonly secret?: string | undefined;
  /** An HTTP proxy on the way to the relay. */
  readonly proxy?: URL | undefined;
  /** Visitors at the same time; more wait, at most 1,024 of them. Default 1,024. */
  readonly maxStreams?: number;
  /** Called in passing; what it throws is ignored. */
  readonly onEvent?: (event: TunnelEvent) => void;
  readonly wakes?: readonly WakeSource[];
  /** As for `connect`: the first dial's failure ends the line unless told otherwise. */
  readonly failFast?: boolean | ((failure: HoldfastError) => boolean);
  readonly retrying?: NonNullable<ConnectOptions<BoreLink>["retrying"]>;
  readonly signal?: AbortSignal;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** For jitter only. Default `Math.random`. */
  readonly random?: Random;
}

export type TunnelEvent =
  | StreamEvent
  /** The tunnel has this public port now; `previous` is the one that it had before, if it had another. */
  | { readonly type: "port"; readonly port: number; readonly previous: number | undefined }
  | { readonly type: "warning"; readonly warning: HoldfastError };

export interface BoreTunnel {
  /** The line that keeps the control connection: its status, its changes, its end. */
  readonly line: Line<BoreLink>;
  /** Where visitors go, last as known; `undefined` until the relay first gave a port. */
  readonly publicEndpoint: { readonly host: string; readonly port: number } | undefined;
  /** Visitors now. They go on while the line reconnects, and after it has ended. */
  readonly streams: number;
  /** Give up the port, let the visitors finish for at most `timeoutMs` (default 30,000), then reset the rest. */
  drain(timeoutMs?: number): Promise<void>;
  /** Give up the port and reset all visitors now. Safe to call again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_DRAIN_MS = 30_000;
const DEFAULT_MAX_STREAMS = 1_024;
const MAX_WAITING = 1_024;
const DIAL_TIMEOUT_MS = 10_000;
/** A relay beats twice a second: 16 beats missed are a dead link, in milliseconds. */
const SILENCE_TIMEOUT_MS = 8_000;

/**
 * Expose a target through a bore relay, and keep it exposed.
 * @throws HoldfastError `bad_config` or `bad_target` (fatal). What happens later is told by the line.
 */
export function openBoreTunnel(options: BoreTunnelOptions): BoreTunnel {
  return new Tunnel(options);
}

class Tunnel implements BoreTunnel {
  readonly line: Line<BoreLink>;
  readonly #relay: { readonly host: string; readonly port: number };
  readonly #clock: Clock;
  readonly #streams: Streams;
  readonly #onEvent: (event: TunnelEvent) => void;
  #wanted: WantedPort;
  #lastPort: number | undefined;

  constructor(options: BoreTunnelOptions) {
    const {
      relay,
      target,
      port = 0,
      secret,
      proxy,
      clock = systemClock,
      dialTimeoutMs = DIAL_TIMEOUT_MS,
    } = options;
    this.#relay = { host: relay.host, port: relay.port ?? BORE_PORT };
    this.#clock = clock;
    this.#onEvent = harmless(options.onEvent);
    this.#wanted = { asked: checkPort(port), held: undefined, lostAt: undefined };
    const key = secret === undefined ? undefined : secretKey(secret);
    const shared = { relay: this.#relay, proxy, key, clock, dialTimeoutMs };
    this.#streams = new Streams({
      ...shared,
      target: typeof target === "string" ? parseTarget(target) : target,
      maxStreams: checkCount(options.maxStreams ?? DEFAULT_MAX_STREAMS),
      maxWaiting: MAX_WAITING,
      onEvent: this.#onEvent,
    });
    const onWarning = (warning: HoldfastError): void => this.#onEvent({ type: "warning", warning });
    const dial = boreDial({
      ...shared,
      wantedPort: () => nextPort(this.#wanted, clock.mono()),
      onUp: (link) => this.#up(link),
      onLost: () => (this.#wanted = lostPort(this.#wanted, clock.mono())),
      onVisitor: (id) => this.#streams.take(id),
      onWarning,
    });
    this.line = connect<BoreLink>({
      ...policyOf(options),
      heartbeat: heartbeatOf(options.heartbeat),
      clock,
      onWarning,
      dial: (attempt) => dial(attempt).catch((error: unknown) => this.#refused(HoldfastError.from(error))),
    });
  }

  get publicEndpoint(): { readonly host: string; readonly port: number } | undefined {
    const port = this.#lastPort;
    return port === undefined ? undefined : { host: this.#relay.host, port };
  }

  get streams(): number {
    return this.#streams.size;
  }

  async drain(timeoutMs: number = DEFAULT_DRAIN_MS): Promise<void> {
    await this.line.close();
    let timeout: () => void = () => undefined;
    const timer = this.#clock.timer(() => timeout());
    timer.set(Math.max(1, timeoutMs));
    await Promise.race([this.#streams.idle(), new Promise<void>((resolve) => (timeout = resolve))]);
    timer.clear();
    await this.close();
  }

  async close(): Promise<void> {
    this.#streams.close();
    await this.line.close();
    await this.#streams.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #up({ port }: BoreLink): void {
    this.#wanted = gotPort(this.#wanted, port);
    const previous = this.#lastPort;
    if (previous === port) return;
    this.#lastPort = port;
    this.#onEvent({ type: "port", port, previous });
  }

  /** A port that was given by chance and is refused for good is no reason to end: another one will do. */
  #refused(failure: HoldfastError): never {
    if (!mustForget(this.#wanted, failure)) throw failure;
    this.#wanted = { ...this.#wanted, held: undefined };
    const { code, text: message, fault } = failure;
    throw new HoldfastError({ code, message, fault, kind: "transient", cause: failure });
  }
}

/** The relay beats by itself, so the interval only has to fit into the timeout. */
function heartbeatOf(given: Policy["heartbeat"]): NonNullable<Policy["heartbeat"]> {
  if (given === false) return false;
  const timeoutMs = given?.timeoutMs ?? SILENCE_TIMEOUT_MS;
  return { intervalMs: timeoutMs / 2, ...given, timeoutMs };
}

/** Only what was given: a setting that is absent must not hide its default. */
function policyOf(
  options: BoreTunnelOptions,
): Omit<BoreTunnelOptions, "relay" | "target" | "port" | "secret"> {
  const { relay: _relay, target: _target, port: _port, secret: _secret, ...policy } = options;
  return policy;
}

function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw badConfig(`port must be a whole number from 0 to 65535, not ${port}`);
}

function checkCount(count: number): number {
  if (Number.isInteger(count) && count >= 1) return count;
  throw badConfig(`maxStreams must be a whole number of at least 1, not ${count}`);
}

function badConfig(message: string): HoldfastError {
  return new HoldfastError({ code: "bad_config", message, kind: "fatal", fault: "local" });
}
