// A link to this machine. Nothing lies between, so it cannot be lost: it ends by being closed, and what it started
// ends with it.
import type { Duplex } from "node:stream";
import { arch, userInfo } from "node:os";
import type { Clock } from "@holdfast/core";
import { ownPlatform } from "../children.ts";
import type { Files } from "../plugin/files.ts";
import type { Machine, SystemInfo } from "../plugin/machine.ts";
import type { Listening, RemoteListener } from "../plugin/network.ts";
import type { CallerEnvironment } from "../plugin/plugin.ts";
import type { Process, ProcessRequest } from "../plugin/process.ts";
import { HostFiles } from "./host-files.ts";
import { HostLife } from "./host-life.ts";
import { Places, type HostLimits } from "./host-limits.ts";
import { HostNetwork } from "./host-network.ts";
import { startPlain } from "./plain-process.ts";
import { programOf, startDirectory, userShell } from "./surroundings.ts";
import { startOnTerminal } from "./terminal-process.ts";

export interface HostMachineOptions {
  readonly caller: CallerEnvironment;
  readonly clock: Clock;
  readonly limits: HostLimits;
  readonly heard: () => void;
  readonly warn: (text: string) => void;
  /** It was closed. Called once, before what it started has ended. */
  readonly onEnd?: (machine: HostMachine) => void;
}

export class HostMachine implements Machine {
  readonly files: Files;
  readonly survivesPingFailure = true;
  readonly #life: HostLife = new HostLife();
  readonly #options: HostMachineOptions;
  readonly #network: HostNetwork;
  readonly #processes: Places;

  constructor(options: HostMachineOptions) {
    this.#options = options;
    const { limits, warn, caller } = options;
    this.files = new HostFiles({ life: this.#life, limits, warn, directory: startDirectory(caller) });
    this.#network = new HostNetwork(this.#life, limits, warn);
    this.#processes = new Places("processes", limits.processes);
    this.#life.signal.addEventListener("abort", () => options.onEnd?.(this));
  }

  start(request: ProcessRequest): Promise<Process> {
    // One that comes too late has been ended already: it asked the link's life when it was made.
    return this.#life.run(async () => {
      const giveBack = this.#processes.take();
      try {
        const process = await this.#start(request);
        process.ended.then(giveBack, giveBack);
        return process;
      } catch (error) {
        giveBack();
        throw error;
      }
    });
  }

  connectTcp(host: string, port: number): Promise<Duplex> {
    return this.#network.connectTcp(host, port);
  }

  listenTcp(...request: Parameters<Listening["listenTcp"]>): Promise<RemoteListener> {
    return this.#network.listenTcp(...request);
  }

  systemInfo(): Promise<SystemInfo> {
    return this.#life.run(async () => ({
      family: ownPlatform() === "win32" ? "windows" : "unix",
      os: ownPlatform(),
      arch: arch(),
      currentDirectory: startDirectory(this.#options.caller),
      username: userInfo().username,
      shell: userShell(),
    }));
  }

  ping(): Promise<void> {
    return this.#life.run(async () => this.#options.heard());
  }

  close(): void {
    this.#life.end();
  }

  /** End it. Settles when everything that it started has ended as well, or was killed. */
  async closeWholly(): Promise<void> {
    this.#life.end();
    await this.#life.gone();
  }

  async #start(request: ProcessRequest): Promise<Process> {
    const { caller, clock } = this.#options;
    const program = await programOf(request, caller);
    // The link may have ended while the directory was looked at: nothing is started after it.
    this.#life.signal.throwIfAborted();
    return request.terminal === undefined
      ? startPlain(program, this.#life, clock)
      : startOnTerminal(program, request.terminal, this.#life, clock);
  }
}
