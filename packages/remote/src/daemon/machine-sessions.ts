// The socket where commands use machines: sessions, on each of which every connection is offered as the machine that is
// named by its id. Binding the socket is also what makes a daemon the only one.
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError, type Clock } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import { listen, nodeCrypto, socketBytes, type Listener } from "@holdfast/net/node";
import { hostSessions, type SessionHandle, type SessionHost } from "@holdfast/net/session";
import type { ConnectedMachine } from "../connection/connection.ts";
import type { MachineService, ServeEvent } from "../native/serve/options.ts";
import { serveMachine } from "../native/serve/serve-machine.ts";
import { decodeOpening } from "../native/wire/opening.ts";
import { alreadyRunning } from "./daemon-failures.ts";

/**
 * A command that is stopped and goes on later has lost nothing: on a unix socket, silence says nothing about the other
 * end, whose death is seen at once.
 */
const SILENCE_MS = 24 * 3_600_000;
const ASK_MS = 3_600_000;
/** As long as sessions allow. */
const NO_PROGRESS_MS = 3_600_000;

export interface MachineSessionsOptions {
  readonly runtimeFolder: string;
  readonly maxSessions: number;
  /** How long a session stays without its command, in milliseconds. */
  readonly resumeMs: number;
  readonly clock: Clock;
  /** How to get the machine of this name, if there is such a connection. */
  readonly find: (name: string) => (() => Promise<ConnectedMachine>) | undefined;
  readonly onEvent: (name: string, event: ServeEvent) => void;
  readonly onWarning: (warning: HoldfastError) => void;
}

/** @throws HoldfastError `already_running` if another daemon has the socket; what `listen` says. */
export async function openMachineSessions(options: MachineSessionsOptions): Promise<MachineSessions> {
  const sessions = new MachineSessions(options);
  await sessions.listen();
  return sessions;
}

export class MachineSessions {
  readonly socketPath: string;
  readonly #options: MachineSessionsOptions;
  readonly #host: SessionHost;
  /** One for each session of a command, and in it one for each machine that it has used. */
  readonly #services = new Map<SessionHandle, Map<string, MachineService>>();
  #listener: Listener | undefined = undefined;
  #ready = false;

  constructor(options: MachineSessionsOptions) {
    const { runtimeFolder, maxSessions, resumeMs, clock, onWarning } = options;
    this.#options = options;
    this.socketPath = join(runtimeFolder, "machines.sock");
    this.#host = hostSessions({
      crypto: nodeCrypto(),
      maxSessions,
      resumeTtlMs: resumeMs,
      heartbeatIntervalMs: ASK_MS,
      heartbeatTimeoutMs: SILENCE_MS,
      limits: { noProgressMs: NO_PROGRESS_MS },
      clock,
      onWarning,
      onSession: (session) => this.#begun(session),
      onStream: (stream, session) => this.#take(stream, session),
    });
  }

  async listen(): Promise<void> {
    const { clock, onWarning } = this.#options;
    try {
      this.#listener = await listen({
        endpoint: { path: this.socketPath },
        onConnection: (socket) => {
          if (this.#ready) this.#host.take(socketBytes(socket, { clock }));
          else socket.destroy();
        },
        onError: onWarning,
      });
    } catch (thrown) {
      const failure = HoldfastError.from(thrown);
      throw failure.code === "address_in_use" ? alreadyRunning(failure) : failure;
    }
    await chmod(this.socketPath, 0o600);
  }

  /** The machines are known now. */
  begin(): void {
    this.#ready = true;
  }

  /** A connection has ended: what was started over it ends, too. */
  endOf(name: string): void {
    for (const services of this.#services.values()) {
      const service = services.get(name);
      services.delete(name);
      void service?.close();
    }
  }

  /** End every session; the socket stays, so that no other daemon begins. */
  async endSessions(): Promise<void> {
    this.#ready = false;
    const services = [...this.#services.values()].flatMap((each) => [...each.values()]);
    await this.#host.close();
    await Promise.all(services.map((service) => service.ended));
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  #begun(session: SessionHandle): void {
    this.#services.set(session, new Map());
    void session.ended.then(() => this.#services.delete(session));
  }

  #take(stream: SessionStream, session: SessionHandle): void {
    const name = decodeOpening(stream)?.machine;
    const service = name === undefined ? undefined : this.#serviceOf(session, name);
    if (service?.take(stream) !== true) stream.reset(RESET.notProcessed);
  }

  #serviceOf(session: SessionHandle, name: string): MachineService | undefined {
    const services = this.#services.get(session);
    const present = services?.get(name);
    if (present !== undefined || services === undefined) return present;
    const machine = this.#options.find(name);
    if (machine === undefined) return undefined;
    const { clock, onEvent } = this.#options;
    const service = serveMachine(session, machine, { name, clock, onEvent: (event) => onEvent(name, event) });
    services.set(name, service);
    return service;
  }
}
