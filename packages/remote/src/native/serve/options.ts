// How a machine is offered to the other end of a session.
import type { Clock } from "@holdfast/core";
import type { SessionStream } from "@holdfast/core/session";
import type { ConnectedMachine } from "../../connection/connection.ts";
import type { ServeLimits } from "../limits.ts";

/** A machine, or where the present one comes from: asked for each request, so that a new link takes over by itself. */
export type MachineSource = ConnectedMachine | (() => ConnectedMachine | Promise<ConnectedMachine>);

/** One spawn or connection, for an audit line. Texts of the peer: escape control bytes before they are shown. */
export type ServeEvent =
  | {
      readonly type: "process_started";
      readonly process: number;
      readonly command: string | readonly string[] | undefined;
    }
  | { readonly type: "process_ended"; readonly process: number }
  | { readonly type: "connection_opened"; readonly host: string; readonly port: number }
  | { readonly type: "listening"; readonly host: string; readonly port: number };

export interface ServeMachineOptions {
  /** Which of the machines that this session offers; at most 200 bytes. Default: the empty name. */
  readonly name?: string;
  readonly limits?: Partial<ServeLimits>;
  /** How long a process may take to end after TERM, before KILL, in milliseconds. Default 5,000. */
  readonly killDelayMs?: number;
  readonly clock?: Clock;
  /** Called in passing; what it throws is ignored. Default: nothing. */
  readonly onEvent?: (event: ServeEvent) => void;
}

/** A machine that is being offered. */
export interface MachineService {
  /** Give it each stream that the peer opens. @returns whether it was meant for this machine. */
  take(stream: SessionStream): boolean;
  /** Processes that it started and that have not ended. */
  readonly processes: number;
  /** Settles when the session has ended, or `close` was called, and everything that was started has ended. */
  readonly ended: Promise<void>;
  /** End it: TERM, later KILL for its processes; ports and connections are closed. The machine itself stays. */
  close(): Promise<void>;
}
