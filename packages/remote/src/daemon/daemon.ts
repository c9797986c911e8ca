// What a daemon is: the process that keeps connections to machines and forwards over them, shows where they stand, and
// lends them to the commands of its user. Its parts are in the files beside this one:
//
//   open-daemon          from a lock that only one holds to the end in order
//   connection-table     the connections that there are, each a `held-connection`
//   shown-connection     how one is shown: never `connected` by old evidence, which `evidence` watches
//   forward-table        the forwards over them, each a `held-forward`
//   carry-out            what commands ask for on the control socket
//   presence, questions  who asked, whether they are still there, and what they are asked
//   state-file           what comes back after a restart or a crash; one daemon has it (`state-claim`)
//   promises             what commands get again after a crash though it is not kept: ids, names, ports
//   machine-sessions     the socket where commands use the machines, by sessions; binding it is the lock
//
// What becomes of a connection that is asked for:
//
//   kept, background     in the state file from the start, dialled for ever
//   kept                 in the state file from its first link on; if its first dial fails, or waits for an answer that
//                        nobody gives, or its asker goes before, it ends and is shown no more
//   not kept             ends with the last of its askers (after the grace), or with the daemon
import type { Clock, Random } from "@holdfast/core";
import type { WakeSource } from "@holdfast/net";
import type { ControlHost } from "@holdfast/control";
import type { PluginRegistry } from "../connection/registry.ts";

/** Times are milliseconds. */
export interface DaemonLimits {
  /** Connections at a time. Default 256. */
  readonly connections: number;
  /** Forwards at a time. Default 1,024. */
  readonly forwards: number;
  /** Commands that asked for the same connection or forward, and are there. Default 64. */
  readonly askers: number;
  /** How long a command may be gone before what is not kept without it ends. Default 10,000. */
  readonly askerGraceMs: number;
  /** How long after a crash a command gets back the ids and ports of what it had asked for. Default 60,000. */
  readonly promiseMs: number;
  /** How long a person may think about a question. Default 600,000. */
  readonly questionMs: number;
  /** How long until a port of this machine that was taken is tried again. Default 5,000. */
  readonly forwardRetryMs: number;
  /** Events of a forward of which only the number of connections changed are this far apart. Default 250. */
  readonly countEventMs: number;
  /** Sessions of commands at a time. Default 1,024. */
  readonly sessions: number;
  /** How long what a command started goes on after the command was killed. Default 5,000. */
  readonly sessionResumeMs: number;
}

export const DAEMON_LIMITS: DaemonLimits = {
  connections: 256,
  forwards: 1_024,
  askers: 64,
  askerGraceMs: 10_000,
  promiseMs: 60_000,
  questionMs: 600_000,
  forwardRetryMs: 5_000,
  countEventMs: 250,
  sessions: 1_024,
  sessionResumeMs: 5_000,
};

/** One thing that happened. Texts may be a peer's: whoever writes them escapes control bytes. */
export interface DaemonLog {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Snake case: `connection_state`, `forward_removed`, `stopping` … */
  readonly event: string;
  /** Of the connection or forward. */
  readonly id?: number;
  readonly name?: string;
  readonly message?: string;
}

export interface DaemonOptions {
  /** What connections are made with; see `pluginRegistry`. */
  readonly plugins: PluginRegistry;
  /** For its sockets; see `holdfastPaths`. */
  readonly runtimeFolder: string;
  /** What comes back is kept in its folder `daemon`. */
  readonly stateFolder: string;
  readonly version: string;
  /** Where its log is, for people. Default: nowhere. */
  readonly logFile?: string;
  /** Changes of the network, sleep: see `systemWakes`. Default: none. */
  readonly wakes?: readonly WakeSource[];
  /** Called in passing; what it throws is ignored. */
  readonly log: (record: DaemonLog) => void;
  readonly limits?: Partial<DaemonLimits>;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** For jitter only. Default: `Math.random`. */
  readonly random?: Random;
}

export interface Daemon {
  /** Where machines are reached by sessions. */
  readonly sessionSocket: string;
  /** What it shows, and the socket where it is steered. */
  readonly control: ControlHost;
  /** Every connection dials now, except those that wait for a person and those that have ended. */
  reconnectAll(): void;
  /** Settles when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** End in order: what is kept stays in the state file, and comes back with the next daemon. Safe to call again. */
  close(): Promise<void>;
}
