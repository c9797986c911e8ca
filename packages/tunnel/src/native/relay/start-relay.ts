// A relay of native tunnels by itself: it listens on Holdfast's port, lets clients in, and keeps their sessions,
// tunnels and leases.
import type { Clock, HoldfastError, Random } from "@holdfast/core";
import {
  REFUSE,
  RESET,
  type HelloVerdict,
  type SessionLimits,
  type SessionStream,
} from "@holdfast/core/session";
import { systemClock, type AcceptedByteLink } from "@holdfast/net";
import {
  Gate,
  listenHoldfast,
  nodeCrypto,
  type Endpoint,
  type HoldfastListener,
  type TlsIdentity,
} from "@holdfast/net/node";
import {
  hostSessions,
  type AcceptedSession,
  type SessionCrypto,
  type SessionHandle,
  type SessionHost,
} from "@holdfast/net/session";
import { harmless } from "../../listener.ts";
import { checkOpenness } from "../../relay/closed-by-default.ts";
import { cryptoRandom } from "../../crypto-random.ts";
import { Pacer } from "../../relay/pacer.ts";
import { HOLDFAST_PORT } from "../wire/messages.ts";
import { LeaseBook } from "./lease-book.ts";
import { resolveTunnelLimits, type TunnelRelayLimits } from "./limits.ts";
import type { TunnelRelayEvent, TunnelRelayStatus } from "./options.ts";
import { TunnelJob } from "./tunnel-job.ts";

export interface TunnelRelayOptions {
  /** The address that clients connect to. Default `127.0.0.1`. */
  readonly bind?: string;
  /** The port that clients connect to; 0 is any. Default 7836. */
  readonly port?: number;
  /** The least and the greatest port that is given to tunnels. Default 1024 to 65535. */
  readonly ports?: readonly [number, number];
  /** The address that visitors connect to. Default: as `bind`. */
  readonly tunnelBind?: string;
  /** Where visitors reach the ports, told to clients. Default: the address that each client dials. */
  readonly publicHost?: string;
  /** Clients must know it. An empty one counts. Default: none. */
  readonly secret?: string | undefined;
  /** Without a secret, let clients of other machines in all the same. Default `false`. */
  readonly anonymous?: boolean;
  /** Key and certificates. Without them only clients of this machine are served, plain. */
  readonly tls?: TlsIdentity | undefined;
  /** Names of this relay for WebSocket upgrades, besides those of loopback. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages elsewhere that may use it. */
  readonly allowedOrigins?: readonly string[];
  /**
   * Clients that cannot bind their proof to TLS may prove the secret all the same (browsers), if they know this relay
   * by one of `allowedHosts` without a `*`, by `publicHost`, or as this machine. Default `false`.
   */
  readonly allowUnboundProofs?: boolean;
  /** Where leases are kept over a restart. Default: nowhere. */
  readonly leaseFile?: string;
  readonly limits?: Partial<TunnelRelayLimits>;
  readonly sessionLimits?: Partial<SessionLimits>;
  /** Links without life are hung up after so long, in milliseconds. Defaults 10,000 and 15,000. */
  readonly heartbeatIntervalMs?: number;
  readonly heartbeatTimeoutMs?: number;
  /** Default: Node's. */
  readonly crypto?: SessionCrypto;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** For ports and hints, never for secrets. Default: the machine's. */
  readonly random?: Random;
  /** Called in passing; what it throws is ignored. */
  readonly onEvent?: (event: TunnelRelayEvent) => void;
}

/** A relay of native tunnels. */
export interface TunnelRelay {
  /** Where it listens, with the real port. */
  readonly endpoint: Endpoint;
  readonly status: TunnelRelayStatus;
  /** The present status first; a slow reader misses those in between; ends with the relay. */
  changes(): AsyncIterableIterator<TunnelRelayStatus>;
  /** Whoever comes from now on must know this secret; those who are here stay. */
  useSecret(secret: string): void;
  /** Whoever comes from now on sees this certificate. @throws HoldfastError `bad_certificate` (fatal). */
  useTls(identity: TlsIdentity): void;
  /**
   * Take no client and no visitor any more, let the visitors that are here finish, then close. Clients are told when
   * to come back. Resolves when everything is closed, at most `timeoutMs` (default 30,000) and 5 s later.
   */
  drain(timeoutMs?: number): Promise<void>;
  /** Close everything now. Visitors are reset; leases stay in their file. Safe to call again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_DRAIN_MS = 30_000;
/**
 * Clients whose relay goes away without a word return over as long as it takes to let all of them in, but within this
 * range, in milliseconds. Where there are few, nobody waits for a herd that does not exist.
 */
const RETURN_WINDOW_MS = [250, 10_000] as const;
const HEARTBEAT_MS = 10_000;
const HEARTBEAT_TIMEOUT_MS = 15_000;
const LEAST_HEARTBEAT_TIMEOUT_MS = 1_000;
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "::1"];
/** Whoever has too many sessions may ask again then, in milliseconds at least. */
const TOO_MANY_MS = 10_000;

/**
 * Start a relay of native tunnels.
 * @throws HoldfastError `bad_config`, `anonymous_relay`, `bad_certificate`, `cannot_read` or `unsafe_file` (the file of
 * leases), or why it cannot listen (`address_in_use`, …).
 */
export async function startTunnelRelay(options: TunnelRelayOptions = {}): Promise<TunnelRelay> {
  checkOpenness(options);
  const relay = new Relay(options);
  await relay.start();
  return relay;
}

class Relay implements TunnelRelay {
  readonly #options: TunnelRelayOptions;
  readonly #limits: TunnelRelayLimits;
  readonly #clock: Clock;
  readonly #onEvent: (event: TunnelRelayEvent) => void;
  readonly #gate: Gate;
  readonly #pacer: Pacer;
  readonly #job: TunnelJob;
  readonly #book: LeaseBook;
  readonly #host: SessionHost;
  /** One, or none: then it is open to all. Sessions that are here resume without it. */
  #secrets: readonly string[];
  #listener: HoldfastListener | undefined;
  #drained: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: TunnelRelayOptions) {
    const { clock = systemClock, random = cryptoRandom, secret } = options;
    const limits = resolveTunnelLimits(options.limits);
    this.#options = options;
    this.#limits = limits;
    this.#clock = clock;
    this.#onEvent = harmless(options.onEvent);
    this.#secrets = secret === undefined ? [] : [secret];
    this.#gate = new Gate(limits, clock);
    const { handshakesPerSecond: perSecond, queueMs } = limits;
    this.#pacer = new Pacer({ clock, random, perSecond, queueMs });
    this.#job = new TunnelJob({
      bind: options.tunnelBind ?? options.bind ?? "127.0.0.1",
      ports: options.ports ?? [1_024, 65_535],
      publicHost: options.publicHost,
      limits,
      clock,
      random,
      onEvent: this.#onEvent,
      onLeases: () => this.#book.touch(),
      saved: () => this.#book.saved(),
    });
    const { leaseMs } = limits;
    const onWarning = (error: HoldfastError): void => this.#onEvent({ type: "warning", error });
    this.#book = new LeaseBook({
      path: options.leaseFile,
      table: this.#job.table,
      clock,
      leaseMs,
      onWarning,
    });
    this.#host = this.#hostSessions();
  }

  async start(): Promise<void> {
    const {
      bind: host = "127.0.0.1",
      port = HOLDFAST_PORT,
      tls,
      allowedHosts,
      allowedOrigins,
    } = this.#options;
    await this.#job.restore(await this.#book.load());
    try {
      this.#listener = await listenHoldfast({
        endpoint: { host, port },
        tls,
        ...(allowedHosts && { allowedHosts }),
        ...(allowedOrigins && { allowedOrigins }),
        clock: this.#clock,
        admit: (address) => this.#gate.knock(address),
        onLink: (link) => this.#take(link),
        onError: (error) => this.#onEvent({ type: "warning", error }),
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get endpoint(): Endpoint {
    if (this.#listener === undefined) throw new Error("a relay that did not start has no endpoint");
    return this.#listener.endpoint;
  }

  get status(): TunnelRelayStatus {
    return this.#job.status;
  }

  changes(): AsyncIterableIterator<TunnelRelayStatus> {
    return this.#job.changes();
  }

  useSecret(secret: string): void {
    this.#secrets = [secret];
  }

  useTls(identity: TlsIdentity): void {
    this.#listener?.setIdentity(identity);
  }

  drain(timeoutMs: number = DEFAULT_DRAIN_MS): Promise<void> {
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(timeoutMs: number): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    await this.#job.stopListening();
    // So many clients come back at once: the next relay needs so long to take them.
    const windowMs = (this.#host.size / this.#limits.handshakesPerSecond) * 1_000;
    await this.#host.drain(timeoutMs, windowMs);
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const closed = this.#listener?.close();
    this.#pacer.close();
    await this.#job.close();
    await this.#book.close();
    await this.#host.close();
    await closed;
  }

  #hostSessions(): SessionHost {
    const { crypto, sessionLimits, allowUnboundProofs } = this.#options;
    const { sessions: maxSessions, leaseMs: resumeTtlMs, handshakeMs: handshakeTimeoutMs } = this.#limits;
    return hostSessions({
      crypto: crypto ?? nodeCrypto(),
      limits: { ...sessionLimits },
      secrets: () => this.#secrets,
      allowUnboundProofs: allowUnboundProofs ?? false,
      relayIdentities: identitiesOf(this.#options),
      maxSessions,
      handshakeTimeoutMs,
      resumeTtlMs,
      ...this.#heartbeat(),
      clock: this.#clock,
      authorize: (_, remoteAddress) => this.#authorize(remoteAddress),
      onSession: (session) => this.#begun(session),
      onAttached: (session) => this.#attached(session),
      onAway: (session) => this.#job.away(session),
      onStream: (stream, session) => this.#opened(stream, session),
      onRefused: (failure, remoteAddress) => this.#refused(failure, remoteAddress),
    });
  }

  /** A client that is silent must be missed well before its lease is over, or a short lease would never end in time. */
  #heartbeat(): { readonly heartbeatIntervalMs: number; readonly heartbeatTimeoutMs: number } {
    const { heartbeatIntervalMs = HEARTBEAT_MS, heartbeatTimeoutMs = HEARTBEAT_TIMEOUT_MS } = this.#options;
    const timeoutMs = Math.min(
      heartbeatTimeoutMs,
      Math.max(LEAST_HEARTBEAT_TIMEOUT_MS, this.#limits.leaseMs / 4),
    );
    return {
      heartbeatIntervalMs: Math.min(heartbeatIntervalMs, timeoutMs / 2),
      heartbeatTimeoutMs: timeoutMs,
    };
  }

  #take(link: AcceptedByteLink): void {
    const admitted = this.#gate.admit(link);
    if (admitted !== undefined) this.#host.take(admitted);
  }

  async #authorize(remoteAddress: string): Promise<HelloVerdict> {
    const turn = await this.#pacer.turn();
    if (turn.type === "busy") return busy(turn.retryAfterMs);
    if (!this.#gate.hasRoom(remoteAddress)) return busy(this.#pacer.hint(TOO_MANY_MS));
    const { leaseMs: resumeTtlMs } = this.#limits;
    const heartbeatMs = this.#heartbeat().heartbeatIntervalMs;
    return { type: "accept", heartbeatMs, resumeTtlMs, reconnectWindowMs: this.#returnWindowMs() };
  }

  #returnWindowMs(): number {
    const [least, most] = RETURN_WINDOW_MS;
    const allMs = (this.#host.size / this.#limits.handshakesPerSecond) * 1_000;
    return Math.round(Math.min(most, Math.max(least, allMs)));
  }

  #begun(session: AcceptedSession): void {
    this.#gate.begins(session);
  }

  #attached(session: AcceptedSession): void {
    this.#gate.attached(session);
    this.#job.attached(session);
  }

  #opened(stream: SessionStream, session: SessionHandle): void {
    if (!this.#job.takeStream(stream, session as AcceptedSession)) stream.reset(RESET.notProcessed);
  }

  #refused(failure: HoldfastError, remoteAddress: string): void {
    this.#gate.refused(failure, remoteAddress);
    this.#onEvent({ type: "refused", remoteAddress, reason: failure.code });
  }
}

/** What clients that came to us, and to nobody who passes them on, call this relay. */
function identitiesOf({ allowedHosts = [], publicHost }: TunnelRelayOptions): readonly string[] {
  const names = [...allowedHosts, ...(publicHost === undefined ? [] : [publicHost]), ...LOOPBACK_NAMES];
  return names.filter((name) => !name.includes("*")).map((name) => `name:${name.toLowerCase()}`);
}

function busy(retryAfterMs: number): HelloVerdict {
  return { type: "refuse", code: REFUSE.busy, retryAfterMs: Math.round(retryAfterMs) };
}
