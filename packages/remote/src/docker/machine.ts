// A link to a container: everything that is asked of it goes through one gate, which knows whether it still lives.
import type { Duplex } from "node:stream";
import type { HoldfastError } from "@holdfast/core";
import { HoldfastError as Failure } from "@holdfast/core";
import type { Files } from "../plugin/files.ts";
import type { Machine, SystemInfo } from "../plugin/machine.ts";
import type { RemoteListener } from "../plugin/network.ts";
import type { Process, ProcessRequest } from "../plugin/process.ts";
import { notRunning, paused } from "./container/find-container.ts";
import type { Surroundings } from "./container/probe.ts";
import type { ContainerState } from "./engine/types.ts";
import { gatedFiles } from "./files/gated-files.ts";
import { connectTcp } from "./forward/connect-tcp.ts";
import { startProcess, unsupported, type DockerProcess } from "./process/docker-process.ts";
import type { ExecPlace } from "./process/exec.ts";

export interface MachineParts {
  readonly place: ExecPlace;
  /** As it was when the link was made. */
  readonly container: ContainerState;
  readonly ours: boolean;
  readonly surroundings: Surroundings;
  readonly files: Files;
  /** What ran when the link was closed is to be told so. */
  readonly hangUp: (pids: readonly number[]) => void;
}

/** The answer to why a container cannot listen for us. */
export const NO_REVERSE_FORWARD = "a container cannot listen for us: its engine has no call for it";

/** Processes and connections of one link at once. */
const MOST_PROCESSES = 256;
/** For each of the two calls of a health check. */
const HEALTH_CALL_TIMEOUT_MS = 5_000;

export class DockerMachine implements Machine {
  /** A call that fails is a call that failed: the engine may answer the next one. */
  readonly survivesPingFailure = true;
  readonly files: Files;
  readonly #parts: MachineParts;
  /** At most MOST_PROCESSES. */
  readonly #processes = new Set<DockerProcess>();
  #starting = 0;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.files = gatedFiles(parts.files, (ask) => this.#gate(ask));
  }

  start(request: ProcessRequest): Promise<Process> {
    return this.#gate(() => this.#start(request));
  }

  connectTcp(host: string, port: number): Promise<Duplex> {
    const { place, surroundings } = this.#parts;
    const start = (command: readonly [string, ...string[]]): Promise<DockerProcess> =>
      this.#start({ command });
    return this.#gate(() => connectTcp({ place, surroundings, start }, host, port));
  }

  listenTcp(): Promise<RemoteListener> {
    return this.#gate(() =>
      Promise.reject(unsupported(NO_REVERSE_FORWARD, "use a network that both are in")),
    );
  }

  systemInfo(): Promise<SystemInfo> {
    return this.#gate(() => Promise.resolve(this.#parts.surroundings.system));
  }

  /** The engine answers, and the container is the one that the link was made to. */
  ping(): Promise<void> {
    const { place } = this.#parts;
    return this.#gate(async () => {
      await place.engine.ping(place.life.signal, HEALTH_CALL_TIMEOUT_MS);
      await this.look();
      place.heard();
    });
  }

  /**
   * Look whether the container is still there and still the same run of it: if not, the link is lost at once.
   * @throws HoldfastError `link_lost`, `container_paused`, and what the engine says.
   */
  async look(): Promise<void> {
    const { place, container, ours } = this.#parts;
    const { engine, life } = place;
    let now: ContainerState;
    try {
      now = await engine.inspect(container.id, life.signal, HEALTH_CALL_TIMEOUT_MS);
    } catch (thrown) {
      if ((thrown as HoldfastError).code === "not_found") life.lose(gone(container, "was removed"));
      throw life.ended ? life.signal.reason : thrown;
    }
    if (!now.running) life.lose(notRunning(now, ours));
    else if (now.startedAt !== container.startedAt) life.lose(gone(container, "was started anew"));
    if (life.ended) throw life.signal.reason;
    if (now.paused) throw paused(now);
  }

  close(reason?: HoldfastError): void {
    const { life } = this.#parts.place;
    if (life.ended) return;
    const pids = [...this.#processes].map(({ pid }) => pid).filter((pid) => pid !== undefined);
    life.close(reason);
    if (pids.length > 0) this.#parts.hangUp(pids);
  }

  async #start(request: ProcessRequest): Promise<DockerProcess> {
    const { place, surroundings } = this.#parts;
    if (this.#processes.size + this.#starting >= MOST_PROCESSES) {
      const message = `this link has ${MOST_PROCESSES} processes and connections already`;
      throw new Failure({ code: "too_many_processes", message, fault: "local" });
    }
    this.#starting += 1;
    try {
      const process = await startProcess(place, surroundings, request);
      this.#processes.add(process);
      process.ended.catch(() => undefined).finally(() => this.#processes.delete(process));
      return process;
    } finally {
      this.#starting -= 1;
    }
  }

  /** Nothing begins on a link that has ended, and what ends with it says so. */
  async #gate<T>(ask: () => Promise<T>): Promise<T> {
    const { life } = this.#parts.place;
    life.check();
    try {
      return await ask();
    } catch (thrown) {
      // A connection to the engine that breaks is the link's: there is no other way to it.
      if ((thrown as HoldfastError).code === "engine_unreachable") life.lose(thrown as HoldfastError);
      throw life.ended ? life.signal.reason : thrown;
    }
  }
}

function gone({ name }: ContainerState, how: string): HoldfastError {
  return new Failure({ code: "container_gone", message: `container ${name} ${how}`, fault: "peer" });
}
