// A machine at the other end of a session, that looks like one of this end. See wire/README.md.
import type { Duplex } from "node:stream";
import type { HoldfastError } from "@holdfast/core";
import { KIND, RESET, type SessionStream } from "@holdfast/core/session";
import type { SessionHandle } from "@holdfast/net/session";
import type { Files } from "../../plugin/files.ts";
import type { Machine, SystemInfo } from "../../plugin/machine.ts";
import type { RemoteListener } from "../../plugin/network.ts";
import type { Process, ProcessRequest } from "../../plugin/process.ts";
import { linkLost } from "../failures.ts";
import { DEFAULT_SESSION_MACHINE_LIMITS, resolveLimits, type SessionMachineLimits } from "../limits.ts";
import { decodeSystemInfo } from "../wire/answers.ts";
import { decodeOpening, PURPOSE, WIRE_VERSION } from "../wire/opening.ts";
import { Channel } from "./channel.ts";
import { SessionFiles } from "./session-files.ts";
import { connectOver, SessionListeners, type OnConnection } from "./session-network.ts";
import { startProcess } from "./session-process.ts";

export interface SessionMachineOptions {
  /** Which of the machines that the other end offers; at most 200 bytes. Default: the empty name. */
  readonly name?: string;
  readonly limits?: Partial<SessionMachineLimits>;
  /** Something is odd about the other end. Default: nothing. */
  readonly warn?: (text: string) => void;
}

/** Lives as long as the session, over all of its links. */
export interface SessionMachine extends Machine {
  /** Give it each stream that the peer opens. @returns whether it was meant for this machine. */
  take(stream: SessionStream): boolean;
}

/**
 * The machine that the other end of this session offers. To close it ends what was started through it, and leaves the
 * session alone.
 * @throws HoldfastError `bad_config` (fatal).
 */
export function sessionMachine(session: SessionHandle, options: SessionMachineOptions = {}): SessionMachine {
  return new FarMachine(session, options);
}

class FarMachine implements SessionMachine {
  readonly files: Files;
  /** The session judges its links; a sign of life that fails says nothing about it. */
  readonly survivesPingFailure = true;
  readonly #channel: Channel;
  readonly #listeners: SessionListeners;

  constructor(session: SessionHandle, { name = "", limits, warn = () => undefined }: SessionMachineOptions) {
    this.#channel = new Channel(session, name, resolveLimits(DEFAULT_SESSION_MACHINE_LIMITS, limits));
    this.files = new SessionFiles(this.#channel, warn);
    this.#listeners = new SessionListeners(this.#channel);
    void session.ended.then(({ error }) => this.#channel.close(linkLost(error)));
  }

  start(request: ProcessRequest): Promise<Process> {
    return startProcess(this.#channel, request);
  }

  connectTcp(host: string, port: number): Promise<Duplex> {
    return connectOver(this.#channel, { host, port });
  }

  listenTcp(host: string, port: number, onConnection: OnConnection): Promise<RemoteListener> {
    return this.#listeners.listen({ host, port }, onConnection);
  }

  async systemInfo(): Promise<SystemInfo> {
    return decodeSystemInfo((await this.#channel.call({ do: "system_info" })).payload);
  }

  async ping(): Promise<void> {
    await this.#channel.call({ do: "ping" });
  }

  close(reason?: HoldfastError): void {
    this.#channel.close(linkLost(reason));
  }

  take(stream: SessionStream): boolean {
    if (stream.kind !== KIND.machine) return false;
    const opening = decodeOpening(stream);
    if (opening === undefined || opening.machine !== this.#channel.name) return false;
    const wanted = opening.version === WIRE_VERSION && opening.purpose === PURPOSE.accept;
    if (!wanted || !this.#listeners.take(stream, opening)) stream.reset(RESET.notProcessed);
    return true;
  }
}
