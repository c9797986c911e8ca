// A line whose links carry sessions: one session goes on over every link, until it cannot; then the next one begins.
import {
  HoldfastError,
  MAX_TIMER_MS,
  resolveConfig,
  type Clock,
  type Policy,
  type Random,
  type Timer,
} from "@holdfast/core";
import {
  CLOSE,
  newInstance,
  resolveSessionLimits,
  type ClientOutcome,
  type Instance,
  type Resumption,
  type SessionEnd,
  type SessionLimits,
} from "@holdfast/core/session";
import { connect } from "../connect.ts";
import { systemClock } from "../host.ts";
import type { ConnectOptions, Line } from "../line.ts";
import { dialSession, type DialSubject } from "./client-dial.ts";
import type { ClientLink } from "./client-link.ts";
import { DrivenSession } from "./driven-session.ts";
import { failureOfEnd } from "./end-failure.ts";
import { Identity } from "./identity.ts";
import { processPools } from "./process-pools.ts";
import type {
  OpenSessionOptions,
  SessionCrypto,
  SessionHandle,
  SessionLine,
  SessionLink,
} from "./surface.ts";

/** What HELLO says of our heartbeats where there are none, in milliseconds. */
const HEARTBEAT_MS = 10_000;

/** No session waits longer for its data to move, in milliseconds. */
const MOST_NO_PROGRESS_MS = 3_600_000;

/** The other side counts from when it noticed that the link is gone, which may be so much later, in milliseconds. */
const NOTICED_MS = 15_000;

/**
 * Keep a session with whoever `dial` leads to, over as many links as it takes.
 * @throws HoldfastError `bad_config` (fatal) if a setting makes no sense. Everything later is on the line.
 */
export function openSession(options: OpenSessionOptions): SessionLine {
  return new ClientLine(options);
}

class ClientLine implements SessionLine, DialSubject {
  readonly line: Line<SessionLink>;
  readonly clock: Clock;
  readonly crypto: SessionCrypto;
  readonly random: Random;
  readonly identity: Identity;
  instance: Instance;
  resumption: Resumption | undefined = undefined;
  driven: DrivenSession;
  closing = false;
  readonly #options: OpenSessionOptions;
  readonly #limits: SessionLimits;
  /** The last one that began. */
  #shown: DrivenSession | undefined = undefined;
  #lost: SessionEnd | undefined = undefined;
  #link: ClientLink | undefined = undefined;
  /** Set while the session is away: by then the other side has given it up. */
  readonly #expiry: Timer;

  constructor(options: OpenSessionOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.crypto = options.crypto;
    this.random = options.random ?? Math.random;
    this.#expiry = this.clock.timer(() => this.#expired());
    const { heartbeat } = resolveConfig(policyOf(options));
    this.#limits = resolveSessionLimits({
      ...(heartbeat && { noProgressMs: Math.min(heartbeat.noProgressMs, MOST_NO_PROGRESS_MS) }),
      ...options.limits,
    });
    this.identity = new Identity({
      crypto: options.crypto,
      ownerKey: options.ownerKey,
      secret: options.secret,
      heartbeatMs: Math.ceil(heartbeat?.intervalMs ?? HEARTBEAT_MS),
    });
    this.instance = newInstance(options.crypto.entropy);
    this.driven = this.#newSession();
    // Before the line's own listener: while it still has its link, the other side can be told.
    options.signal?.addEventListener("abort", this.#sayGoodbye, { once: true });
    this.line = connect(this.#lineOptions());
    void this.line.closed.then(({ error }) => this.#lineEnded(error));
  }

  get session(): SessionHandle | undefined {
    return this.#shown;
  }

  async drain(timeoutMs?: number): Promise<void> {
    if (this.#shown === this.driven && this.driven.end === undefined) {
      this.closing = true;
      const drained = this.driven.drain(timeoutMs);
      // What is left to say wants a link now, not after the wait.
      if (this.line.status.state !== "connected") this.line.wake("user");
      await Promise.race([drained, this.line.closed]);
    }
    await this.close();
  }

  async close(): Promise<void> {
    this.#sayGoodbye();
    const link = this.#link;
    await this.line.close();
    await link?.gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // What a dial asks and tells.

  async credentials(): Promise<Uint8Array | undefined> {
    return this.#options.credentials?.();
  }

  greeted({ resumption }: Extract<ClientOutcome, { type: "greeted" }>): void {
    this.resumption = resumption;
    this.driven.id = hex(resumption.sessionId);
  }

  lost({ newInstance: anew }: Extract<ClientOutcome, { type: "session_lost" }>): void {
    if (anew) this.instance = newInstance(this.crypto.entropy);
    // Its streams hear that they are broken before anything new begins.
    this.driven.turn();
    this.#renew();
  }

  linked(link: ClientLink): void {
    this.#link = link;
    this.#expiry.clear();
    void link.gone.then(() => {
      const { resumption } = this;
      if (this.#link !== link || resumption === undefined || this.closing) return;
      this.#expiry.set(Math.min(resumption.resumeTtlMs + NOTICED_MS, MAX_TIMER_MS));
    });
  }

  begin(link: ClientLink, rest: Uint8Array): void {
    if (this.#link !== link) return;
    const { driven } = this;
    if (link.fresh) {
      const lost = this.#lost;
      this.#shown = driven;
      this.#lost = undefined;
      this.#tell(() => this.#options.onSession?.(driven, lost));
    }
    link.begin(rest);
  }

  #lineOptions(): ConnectOptions<SessionLink, Uint8Array | undefined> {
    const { credentials, dial, ...options } = this.#options;
    return {
      ...(options as Omit<ConnectOptions<SessionLink>, "dial" | "credentials">),
      dial: (attempt) => dialSession(dial, attempt, this),
      // A session that goes on needs none.
      ...(credentials && {
        credentials: () => (this.resumption === undefined ? credentials() : undefined),
      }),
    };
  }

  #newSession(): DrivenSession {
    const linkOf = (session: DrivenSession): ClientLink | undefined =>
      session === this.driven && this.#link?.up === true ? this.#link : undefined;
    const driven: DrivenSession = new DrivenSession(
      { role: "client", limits: this.#limits, clock: this.clock, listener: this.#options, ...processPools },
      {
        linkFailed: (failure) => linkOf(driven)?.fail(failure),
        linkReleased: (windowMs) => linkOf(driven)?.released(windowMs, released()),
        turned: (now) => linkOf(driven)?.turned(now),
        ended: (end) => {
          if (driven === this.driven) this.#sessionEnded(end);
        },
        warn: (warning) => this.#warn(warning),
      },
    );
    return driven;
  }

  /** All is said. The line goes on with the next session, unless this end was wanted here. */
  #sessionEnded(end: SessionEnd): void {
    if (this.driven.closing) return void this.close();
    const link = this.#link;
    this.#renew();
    link?.fail(failureOfEnd(end));
  }

  /** Nothing is left to come back to, so that nobody need wait for it. */
  #expired(): void {
    if (this.resumption === undefined || this.driven.end !== undefined) return;
    const { resumeTtlMs } = this.resumption;
    const message = `the session was away for more than ${resumeTtlMs} ms, so that the other side has given it up`;
    const error = new HoldfastError({ code: "expired", message, fault: "network" });
    this.driven.lose({ reason: "expired", code: CLOSE.expired, clean: false, error });
  }

  #renew(): void {
    this.#expiry.clear();
    this.#lost = this.driven.end ?? this.#lost;
    this.resumption = undefined;
    this.driven = this.#newSession();
  }

  readonly #sayGoodbye = (): void => {
    this.closing = true;
    if (this.driven.end !== undefined) return;
    void this.driven.close();
  };

  #lineEnded(error: HoldfastError | undefined): void {
    this.closing = true;
    // The signal may live as long as the program.
    this.#options.signal?.removeEventListener("abort", this.#sayGoodbye);
    this.#expiry.clear();
    const reason = error?.code === "replaced" ? "replaced" : "session_lost";
    this.driven.lose({ reason, code: CLOSE.done, clean: false, error });
    this.#shown = undefined;
  }

  #tell(run: () => void): void {
    try {
      run();
    } catch (cause) {
      const message = "a listener of a session threw";
      this.#warn(new HoldfastError({ code: "listener_failed", message, fault: "local", cause }));
    }
  }

  #warn(warning: HoldfastError): void {
    try {
      this.#options.onWarning?.(warning);
    } catch {
      // A listener that throws harms nobody.
    }
  }
}

/** What is given as `undefined` counts as not given. */
function policyOf(options: OpenSessionOptions): Policy {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Policy;
}

function released(): HoldfastError {
  const message = "the other side let the link go, and keeps the session";
  return new HoldfastError({ code: "detached", message, fault: "peer" });
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
