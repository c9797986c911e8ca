// A machine that the daemon is connected to, for a program that has only a line to the daemon: a session over the
// daemon's own socket carries it. It lives as long as the daemon; what becomes of the daemon's link to the machine is
// told by the events of the connection, and by what runs on it.
import { HoldfastError, type Clock } from "@holdfast/core";
import { RESET } from "@holdfast/core/session";
import type { CallerEnvironmentJson } from "@holdfast/control";
import { nodeCrypto, unix } from "@holdfast/net/node";
import { openSession, type SessionLine } from "@holdfast/net/session";
import { sessionMachine, type SessionMachine } from "../native/client/session-machine.ts";
import type { DaemonClient } from "./daemon-client.ts";

export interface RemoteMachineOptions {
  readonly client: Pick<DaemonClient, "ask">;
  /** The connection's. */
  readonly id: number;
  /** The caller's, for the next dials of the connection. Default: it keeps what it has. */
  readonly environment?: CallerEnvironmentJson;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

export interface RemoteMachine {
  readonly machine: SessionMachine;
  /** Why there is no way to the daemon any more (`daemon_lost`, or `closed`); undefined while there is one. */
  readonly failure: HoldfastError | undefined;
  /** Settles with `failure`. Never rejects. */
  readonly lost: Promise<HoldfastError>;
  /** End what was started through it. */
  close(): Promise<void>;
}

/** A socket of this machine is there at once, or not at all. */
const BACKOFF = { initialMs: 100, maxMs: 500 };
/** Nobody listens there: the daemon has ended, or was killed. */
const NOBODY: ReadonlySet<string> = new Set(["connection_refused", "enoent", "not_found"]);

/**
 * The machine of a connection. Does not wait for the connection's link: each request does, in the daemon.
 * @throws HoldfastError `unknown_id`, `daemon_lost`; what keeps the client from its daemon.
 */
export async function openRemoteMachine(options: RemoteMachineOptions): Promise<RemoteMachine> {
  const { client, id, environment } = options;
  const attached = await client.ask({ type: "attach", id, ...(environment && { environment }) });
  const far = new FarMachine(attached.session_socket, attached.machine, options.clock);
  await far.ready();
  return far;
}

class FarMachine implements RemoteMachine {
  readonly lost: Promise<HoldfastError>;
  #failure: HoldfastError | undefined = undefined;
  #settle: (failure: HoldfastError) => void = () => undefined;
  #machine: SessionMachine | undefined = undefined;
  readonly #line: SessionLine;

  constructor(path: string, name: string, clock: Clock | undefined) {
    this.lost = new Promise((resolve) => (this.#settle = resolve));
    this.#line = openSession({
      crypto: nodeCrypto(),
      dial: unix({ path }),
      failFast: true,
      backoff: BACKOFF,
      // A local socket says by itself when its other end is gone, and a daemon that was stopped for a while is not.
      heartbeat: false,
      ...(clock && { clock }),
      // A daemon that has gone does not come back with its sessions.
      retrying: ({ failure }) => (NOBODY.has(failure.code) ? false : undefined),
      onSession: (session) => {
        if (this.#machine !== undefined) return;
        this.#machine = sessionMachine(session, { name });
        void session.ended.then(({ error }) => this.#ended(daemonLost(error)));
      },
      onStream: (stream) => {
        if (this.#machine?.take(stream) !== true) stream.reset(RESET.notProcessed);
      },
    });
  }

  get machine(): SessionMachine {
    if (this.#machine === undefined) throw daemonLost();
    return this.#machine;
  }

  get failure(): HoldfastError | undefined {
    return this.#failure;
  }

  /** @throws HoldfastError `daemon_lost`. */
  async ready(): Promise<void> {
    try {
      await this.#line.line.ready();
    } catch (thrown) {
      throw daemonLost(thrown);
    }
  }

  async close(): Promise<void> {
    const message = "this end of the session was closed";
    this.#ended(new HoldfastError({ code: "closed", message, kind: "fatal", fault: "local" }));
    await this.#line.close();
  }

  /** The next session, if there is one, would be another one: what ran in this one is gone. */
  #ended(failure: HoldfastError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#settle(failure);
    void this.#line.close();
  }
}

function daemonLost(cause?: unknown): HoldfastError {
  const message = "the daemon has ended, and what ran through it with it";
  const hint = "holdfast daemon logs may say why; the next command starts it again";
  return new HoldfastError({ code: "daemon_lost", message, hint, fault: "local", cause });
}
