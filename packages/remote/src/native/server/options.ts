// How a server of machines is started, what it tells, and how it stands.
import type { Clock, HoldfastError } from "@holdfast/core";
import type { SessionLimits } from "@holdfast/core/session";
import type { Endpoint, GateLimits, TlsIdentity } from "@holdfast/net/node";
import type { SessionCrypto } from "@holdfast/net/session";
import type { Machine } from "../../plugin/machine.ts";
import type { ServeLimits } from "../limits.ts";
import type { ServeEvent } from "../serve/options.ts";

export interface MachineServerLimits extends GateLimits {
  /** How long a handshake may take, in milliseconds. Default 10,000. */
  readonly handshakeMs: number;
  /** Sessions in all. Default 256. */
  readonly sessions: number;
  /** How long a session, and what runs in it, waits for a client that is away, in milliseconds. Default 900,000. */
  readonly resumeMs: number;
}

export interface MachineServerOptions {
  /** Default `127.0.0.1`. */
  readonly bind?: string;
  /** Default 7837; 0 is any. */
  readonly port?: number;
  /** The machine of a new session: asked for once, with its first request, and closed with the session. */
  readonly machine: () => Promise<Machine>;
  /** Clients must prove that they know it. */
  readonly secret?: string | undefined;
  /**
   * Clients must have one of these owner ids (`ownerId` of `@holdfast/trust`, in hex); read at each handshake, so that
   * it may change. Sessions that are here stay.
   */
  readonly authorizedOwners?: (() => ReadonlySet<string>) | undefined;
  /** Key and certificates. Without them only this machine is served, plain. */
  readonly tls?: TlsIdentity | undefined;
  /** Default: `DEFAULT_MACHINE_SERVER_LIMITS`. */
  readonly limits?: Partial<MachineServerLimits>;
  /** What each session may have of its machine. */
  readonly serveLimits?: Partial<ServeLimits>;
  readonly sessionLimits?: Partial<SessionLimits>;
  /** A link that is silent so long is asked for a sign of life, in milliseconds. Default 5,000. */
  readonly heartbeatIntervalMs?: number;
  /** … and hung up when it gives none for so many intervals in a row; 0: never. Default 3. */
  readonly maxHeartbeatFailures?: number;
  /** Called in passing; what it throws is ignored. Texts of peers are as they came: escape them. */
  readonly onEvent?: (event: MachineServerEvent) => void;
  /** Default: Node's. */
  readonly crypto?: SessionCrypto;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** A client, for those who watch: the number of its session at this server, from 1, and where it is. */
export interface ServedClient {
  readonly session: number;
  /** Of the present or the last link. */
  readonly remoteAddress: string;
  /** In hex; absent for a client without an owner key. */
  readonly ownerId: string | undefined;
}

/** What happens at a server, for an audit. */
export type MachineServerEvent =
  | ({
      readonly type: "session_began" | "session_away" | "session_back" | "session_ended";
    } & ServedClient)
  /** Somebody was not let in; `reason` is a code. */
  | {
      readonly type: "refused";
      readonly remoteAddress: string;
      readonly reason: string;
      readonly ownerId: string | undefined;
    }
  | (ServeEvent & ServedClient)
  /** Something at this end went wrong, and the server goes on. */
  | { readonly type: "warning"; readonly error: HoldfastError };

export interface MachineServerStatus {
  readonly draining: boolean;
  /** Those that are away included. */
  readonly sessions: number;
  /** Of them, those that have a link. */
  readonly attached: number;
  /** Sessions so far, those that have ended included. */
  readonly begun: number;
  /** Of all sessions. */
  readonly processes: number;
}

/** A server of this machine. */
export interface MachineServer {
  /** Where it listens, with the real port. */
  readonly endpoint: Endpoint;
  readonly status: MachineServerStatus;
  /** The present status first; a slow reader misses those in between; ends with the server. */
  changes(): AsyncIterableIterator<MachineServerStatus>;
  /** Whoever comes from now on must know this secret; those who are here stay. */
  useSecret(secret: string): void;
  /** Whoever comes from now on sees this certificate. @throws HoldfastError `bad_certificate` (fatal). */
  useTls(identity: TlsIdentity): void;
  /**
   * Take no new session; let what runs in those that are here finish, at most `timeoutMs` (default 30,000); then close.
   */
  drain(timeoutMs?: number): Promise<void>;
  /** End every session, and what runs in it, now. Safe to call again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const DEFAULT_MACHINE_SERVER_LIMITS: MachineServerLimits = {
  connectionsPerAddress: 100,
  unauthenticatedPerAddress: 20,
  failedAuthenticationsPerMinute: 10,
  addresses: 4_096,
  handshakes: 256,
  sessionsPerAddress: 64,
  handshakeMs: 10_000,
  sessions: 256,
  resumeMs: 900_000,
};
