// A server of machines by itself: it listens, lets clients in, and offers each session a machine of its own, which ends
// with the session and not with its links.
import type { Clock, HoldfastError } from "@holdfast/core";
import { RESET, type HelloRequest, type HelloVerdict, type SessionStream } from "@holdfast/core/session";
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
  type SessionHandle,
  type SessionHost,
} from "@holdfast/net/session";
import { Changes } from "../../connection/changes.ts";
import { SERVE_PORT } from "../plugin/holdfast-plugin.ts";
import { busy, checkClosed, isAuthorized, ownerIdOf, UNAUTHORIZED } from "./admittance.ts";
import {
  DEFAULT_MACHINE_SERVER_LIMITS,
  type MachineServer,
  type MachineServerEvent,
  type MachineServerLimits,
  type MachineServerOptions,
  type MachineServerStatus,
} from "./options.ts";
import { ServedSession } from "./served-session.ts";

const DEFAULT_DRAIN_MS = 30_000;
const HEARTBEAT_MS = 5_000;
const HEARTBEAT_FAILURES = 3;
/** No link is silent for longer, even where heartbeats end nothing, in milliseconds: a month of 24 days. */
const MOST_SILENCE_MS = 24 * 86_400_000;
/** No session waits longer for its data to move, in milliseconds. */
const MOST_NO_PROGRESS_MS = 3_600_000;
/** When this end goes away, its few clients come back within so long, in milliseconds. */
const RETURN_WINDOW_MS = 250;
/** Whoever finds no room may ask again then, in milliseconds. */
const NO_ROOM_MS = 10_000;

/**
 * Start a server of machines.
 * @throws HoldfastError `anonymous_server`, `bad_config`, `bad_certificate`, or why it cannot listen (`address_in_use`, …).
 */
export async function startMachineServer(options: MachineServerOptions): Promise<MachineServer> {
  checkClosed(options);
  const server = new Server(options);
  await server.start();
  return server;
}

class Server implements MachineServer {
  readonly #options: MachineServerOptions;
  readonly #limits: MachineServerLimits;
  readonly #clock: Clock;
  readonly #gate: Gate;
  readonly #host: SessionHost;
  readonly #changes: Changes<MachineServerStatus>;
  /** One for each session that has not ended, and whose processes may take a moment longer. */
  readonly #served = new Map<SessionHandle, ServedSession>();
  #secrets: readonly string[];
  #sessions = 0;
  /** The owner who was refused just now, until that is told. */
  #stranger: string | undefined = undefined;
  #draining = false;
  #listener: HoldfastListener | undefined = undefined;
  #drained: Promise<void> | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;

  constructor(options: MachineServerOptions) {
    const { clock = systemClock, secret } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_MACHINE_SERVER_LIMITS, ...options.limits };
    this.#clock = clock;
    this.#secrets = secret === undefined ? [] : [secret];
    this.#gate = new Gate(this.#limits, clock);
    this.#changes = new Changes(() => this.status);
    this.#host = this.#hostSessions();
  }

  async start(): Promise<void> {
    const { bind: host = "127.0.0.1", port = SERVE_PORT, tls } = this.#options;
    try {
      this.#listener = await listenHoldfast({
        endpoint: { host, port },
        tls,
        clock: this.#clock,
        limits: { unidentified: this.#limits.handshakes, identifyTimeoutMs: this.#limits.handshakeMs },
        admit: (address) => this.#gate.knock(address),
        onLink: (link) => this.#take(link),
        onError: (error) => this.#tell({ type: "warning", error }),
      });
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  get endpoint(): Endpoint {
    if (this.#listener === undefined) throw new Error("a server that did not start has no endpoint");
    return this.#listener.endpoint;
  }

  get status(): MachineServerStatus {
    const served = [...this.#served.values()];
    return {
      draining: this.#draining,
      sessions: served.filter(({ ended }) => !ended).length,
      begun: this.#sessions,
      attached: served.filter(({ attached }) => attached).length,
      processes: served.reduce((sum, { processes }) => sum + processes, 0),
    };
  }

  changes(): AsyncIterableIterator<MachineServerStatus> {
    return this.#changes.values();
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
    this.#draining = true;
    this.#changes.touch();
    await this.#host.drain(timeoutMs, RETURN_WINDOW_MS);
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const closed = this.#listener?.close();
    await this.#host.close();
    await Promise.all([...this.#served.values()].map((served) => served.close()));
    await closed;
    this.#changes.end();
  }

  #hostSessions(): SessionHost {
    const { crypto, sessionLimits } = this.#options;
    const { sessions, handshakeMs, resumeMs } = this.#limits;
    const heartbeat = this.#heartbeat();
    return hostSessions({
      crypto: crypto ?? nodeCrypto(),
      limits: {
        noProgressMs: Math.min(2 * heartbeat.heartbeatTimeoutMs, MOST_NO_PROGRESS_MS),
        ...sessionLimits,
      },
      secrets: () => this.#secrets,
      maxSessions: sessions,
      handshakeTimeoutMs: handshakeMs,
      resumeTtlMs: resumeMs,
      ...heartbeat,
      clock: this.#clock,
      authorize: (hello, remoteAddress) => this.#authorize(hello, remoteAddress),
      onSession: (session) => this.#begun(session),
      onAttached: (session) => this.#moved(session, "session_back"),
      onAway: (session) => this.#moved(session, "session_away"),
      onStream: (stream, session) => this.#opened(stream, session),
      onWarning: (error) => this.#tell({ type: "warning", error }),
      onRefused: (failure, remoteAddress) => this.#refused(failure, remoteAddress),
    });
  }

  /** Any byte resets the count, because it is a sign of life: so many intervals without one are the end. */
  #heartbeat(): { readonly heartbeatIntervalMs: number; readonly heartbeatTimeoutMs: number } {
    const { heartbeatIntervalMs = HEARTBEAT_MS, maxHeartbeatFailures: most = HEARTBEAT_FAILURES } =
      this.#options;
    const timeoutMs = most === 0 ? MOST_SILENCE_MS : heartbeatIntervalMs * (most + 1);
    return { heartbeatIntervalMs, heartbeatTimeoutMs: timeoutMs };
  }

  #take(link: AcceptedByteLink): void {
    const admitted = this.#gate.admit(link);
    if (admitted !== undefined) this.#host.take(admitted);
  }

  #authorize(hello: HelloRequest, remoteAddress: string): HelloVerdict {
    if (!isAuthorized(hello, this.#options.authorizedOwners)) {
      this.#stranger = ownerIdOf(hello);
      return UNAUTHORIZED;
    }
    if (!this.#gate.hasRoom(remoteAddress)) return busy(NO_ROOM_MS);
    return {
      type: "accept",
      heartbeatMs: this.#heartbeat().heartbeatIntervalMs,
      resumeTtlMs: this.#limits.resumeMs,
      reconnectWindowMs: RETURN_WINDOW_MS,
    };
  }

  #begun(session: AcceptedSession): void {
    this.#gate.begins(session);
    this.#sessions += 1;
    const { machine, serveLimits } = this.#options;
    const served = new ServedSession({
      session,
      number: this.#sessions,
      machine,
      serveLimits,
      clock: this.#clock,
      onEvent: (event) => {
        this.#tell(event);
        this.#changes.touch();
      },
    });
    this.#served.set(session, served);
    this.#moved(session, "session_began");
    void session.ended.then(() => this.#moved(session, "session_ended"));
    void served.done.then(() => {
      this.#served.delete(session);
      this.#changes.touch();
    });
  }

  #moved(
    session: AcceptedSession,
    type: "session_began" | "session_away" | "session_back" | "session_ended",
  ): void {
    if (type === "session_back") this.#gate.attached(session);
    const client = this.#served.get(session)?.client;
    if (client !== undefined) this.#tell({ type, ...client });
    this.#changes.touch();
  }

  #opened(stream: SessionStream, session: SessionHandle): void {
    if (this.#served.get(session)?.take(stream) !== true) stream.reset(RESET.notProcessed);
  }

  #refused(failure: HoldfastError, remoteAddress: string): void {
    this.#gate.refused(failure, remoteAddress);
    const ownerId = this.#stranger;
    this.#stranger = undefined;
    this.#tell({ type: "refused", remoteAddress, reason: failure.code, ownerId });
  }

  #tell(event: MachineServerEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch {
      // Whoever listens must not stop what it listens to.
    }
  }
}
