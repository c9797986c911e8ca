// The accepting side: takes links, lets each prove where it belongs, and keeps the sessions until they end.
import {
  HoldfastError,
  MAX_TIMER_MS,
  resolveHeartbeat,
  type Clock,
  type Config,
  type Timer,
} from "@holdfast/core";
import {
  Acceptor,
  CLOSE,
  FEATURE,
  REFUSE,
  resolveSessionLimits,
  type HelloRequest,
  type HelloVerdict,
  type ServerSession,
  type Session,
  type SessionLimits,
} from "@holdfast/core/session";
import type { AcceptedByteLink } from "../byte-link.ts";
import { systemClock } from "../host.ts";
import { HostedSession, type HostedOwner } from "./hosted-session.ts";
import { later } from "./later.ts";
import { processPools } from "./process-pools.ts";
import { retire } from "./retirement.ts";
import { SecretHashes } from "./secret-hashes.ts";
import type { AcceptedSession, SessionCrypto, SessionHost, SessionHostOptions } from "./surface.ts";
import { TakenLink, type LinkHost } from "./taken-link.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
const RESUME_TTL_MS = 900_000;
const RECONNECT_WINDOW_MS = 10_000;

/**
 * Sessions for the links that are given to it.
 * @throws HoldfastError `bad_config` (fatal) if a limit or a heartbeat makes no sense.
 */
export function hostSessions(options: SessionHostOptions): SessionHost {
  return new Host(options);
}

class Host implements SessionHost, LinkHost, HostedOwner {
  readonly acceptor: Acceptor;
  readonly crypto: SessionCrypto;
  readonly clock: Clock;
  readonly handshakeTimeoutMs: number;
  readonly #options: SessionHostOptions;
  readonly #limits: SessionLimits;
  readonly #heartbeat: NonNullable<Config["heartbeat"]>;
  readonly #secrets: SecretHashes;
  readonly #timer: Timer;
  /** One for each link that is open, with the session that it was given to; how many may be is the listener's limit. */
  readonly #links = new Map<TakenLink, HostedSession | undefined>();
  /** One for each session that a handshake has made. */
  readonly #hosted = new WeakMap<Session, HostedSession>();
  #closed = false;
  #closing: Promise<void> | undefined;
  #allGone: () => void = () => undefined;

  constructor(options: SessionHostOptions) {
    this.#options = options;
    this.crypto = options.crypto;
    this.clock = options.clock ?? systemClock;
    this.handshakeTimeoutMs = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
    const { heartbeatIntervalMs: intervalMs, heartbeatTimeoutMs: timeoutMs } = options;
    this.#heartbeat = resolveHeartbeat({
      ...(intervalMs !== undefined && { intervalMs }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    this.#limits = resolveSessionLimits({
      noProgressMs: this.#heartbeat.noProgressMs,
      ...options.limits,
    });
    this.#secrets = new SecretHashes(options.crypto, options.secrets ?? (() => []));
    this.#timer = this.clock.timer(() => this.#expire());
    const { maxSessions, allowUnboundProofs, relayIdentities } = options;
    this.acceptor = new Acceptor({
      entropy: options.crypto.entropy,
      newSession: () => this.#newSession(),
      features: FEATURE.tlsBinding | FEATURE.datagrams | FEATURE.resume,
      secretHashes: () => this.#secrets.present,
      ...(maxSessions !== undefined && { maxSessions }),
      ...(allowUnboundProofs !== undefined && { allowUnboundProofs }),
      ...(relayIdentities !== undefined && { relayIdentities }),
    });
  }

  get size(): number {
    return this.acceptor.size;
  }

  take(carrier: AcceptedByteLink): void {
    if (this.#closed) return carrier.close();
    const link = new TakenLink(carrier, this);
    this.#links.set(link, undefined);
    const ready = this.#secrets.refresh();
    if (ready === undefined) link.start();
    else void ready.then(() => link.start());
  }

  sessions(): Iterable<AcceptedSession> {
    return this.#hostedSessions();
  }

  *#hostedSessions(): Iterable<HostedSession> {
    for (const server of this.acceptor.sessions()) {
      const hosted = this.#hosted.get(server.session);
      if (hosted?.began === true) yield hosted;
    }
  }

  async drain(timeoutMs: number, reconnectWindowMs: number): Promise<void> {
    // Those that are away may still come back for their end.
    this.acceptor.door = { code: REFUSE.draining, retryAfterMs: reconnectWindowMs, resumes: false };
    const hosted = [...this.#hostedSessions()];
    await Promise.all(hosted.map((session) => retire(session, timeoutMs, reconnectWindowMs, this.clock)));
    await this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    const gone = new Promise<void>((resolve) => (this.#allGone = resolve));
    for (const { session } of this.acceptor.sessions()) {
      void this.#hosted.get(session)?.close(CLOSE.draining, "the relay is closing");
    }
    // While their links are there, all sessions have a turn.
    await new Promise<void>(later);
    for (const link of this.#links.keys()) link.dismiss();
    if (this.#links.size > 0) await gone;
    this.#timer.clear();
  }

  // What links ask and tell.

  decide(hello: HelloRequest, remoteAddress: string): HelloVerdict | Promise<HelloVerdict> {
    const { authorize, resumeTtlMs, reconnectWindowMs } = this.#options;
    if (authorize !== undefined) return authorize(hello, remoteAddress);
    return {
      type: "accept",
      heartbeatMs: this.#heartbeat.intervalMs,
      resumeTtlMs: resumeTtlMs ?? RESUME_TTL_MS,
      reconnectWindowMs: reconnectWindowMs ?? RECONNECT_WINDOW_MS,
    };
  }

  displaced({ session }: ServerSession): void {
    this.#hosted.get(session)?.displaced();
  }

  attached(server: ServerSession, link: TakenLink): void {
    const hosted = this.#hosted.get(server.session);
    if (hosted === undefined) return link.close();
    this.#links.set(link, hosted);
    hosted.adopt(link, server);
    const { onSession, onAttached } = this.#options;
    this.#tell(() => (hosted.began ? onAttached?.(hosted) : onSession(hosted)));
    hosted.began = true;
    hosted.carry(link);
    this.#arm();
  }

  refused(failure: HoldfastError, link: TakenLink): void {
    this.#tell(() => this.#options.onRefused?.(failure, link.carrier.remoteAddress));
  }

  gone(link: TakenLink): void {
    const hosted = this.#links.get(link);
    this.#links.delete(link);
    hosted?.linkEnded(link);
    this.#arm();
    if (this.#links.size === 0) this.#allGone();
  }

  // What sessions tell.

  ended(hosted: HostedSession): void {
    if (hosted.began) this.acceptor.release(hosted.server, this.clock.mono());
    this.#arm();
  }

  away(hosted: HostedSession): void {
    if (hosted.began) this.#tell(() => this.#options.onAway?.(hosted));
  }

  warn(warning: HoldfastError): void {
    try {
      this.#options.onWarning?.(warning);
    } catch {
      // A listener that throws harms nobody.
    }
  }

  #newSession(): Session {
    const hosted = new HostedSession(
      {
        role: "server",
        limits: this.#limits,
        clock: this.clock,
        listener: this.#options,
        patience: this.#heartbeat,
        ...processPools,
      },
      this,
    );
    this.#hosted.set(hosted.session, hosted);
    return hosted.session;
  }

  #expire(): void {
    this.acceptor.timeout(this.clock.mono());
    this.#arm();
  }

  #arm(): void {
    const at = this.acceptor.nextTimeout();
    if (at === Infinity) return this.#timer.clear();
    this.#timer.set(Math.min(Math.max(0, Math.ceil(at - this.clock.mono())), MAX_TIMER_MS));
  }

  #tell(run: () => void): void {
    try {
      run();
    } catch (cause) {
      const message = "a listener of a session host threw";
      this.warn(new HoldfastError({ code: "listener_failed", message, fault: "local", cause }));
    }
  }
}
