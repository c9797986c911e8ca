// One destination of docker: dials links to its container, watches it while there is none, and cleans up at the end.
import type { Clock } from "@holdfast/core";
import type { Attempt } from "@holdfast/net";
import type { Machine } from "../plugin/machine.ts";
import type { Backend, PluginContext } from "../plugin/plugin.ts";
import { followEvents } from "./container/events.ts";
import { findContainer, labelOf } from "./container/find-container.ts";
import { ImagePulls } from "./container/image-pulls.ts";
import { probe } from "./container/probe.ts";
import { Watch } from "./container/watch.ts";
import type { Engine } from "./engine/engine.ts";
import { ArchiveFiles } from "./files/archive-files.ts";
import { ExecFiles } from "./files/exec-files.ts";
import { LinkLife } from "./life.ts";
import { DockerMachine } from "./machine.ts";
import type { DockerOptions, Target } from "./options.ts";
import type { ExecPlace } from "./process/exec.ts";
import { run } from "./process/run.ts";

export interface BackendOptions {
  readonly engine: Engine;
  readonly target: Target;
  readonly user: string | undefined;
  readonly options: DockerOptions;
  readonly context: PluginContext;
  readonly clock: Clock;
}

/** What may have ended or frozen the container. */
const ALARMING = new Set([
  "die",
  "died",
  "stop",
  "kill",
  "oom",
  "destroy",
  "remove",
  "removed",
  "pause",
  "restart",
]);
const HANG_UP_TIMEOUT_MS = 5_000;
const HANG_UP =
  'for pid; do kill -s HUP -- "-$pid" 2>/dev/null || kill -s HUP "$pid" 2>/dev/null; done; exit 0';

export class DockerBackend implements Backend {
  readonly #options: BackendOptions;
  readonly #pulls: ImagePulls;
  /** At most one for each link that was closed in the last five seconds. */
  readonly #hangingUp = new Set<Promise<unknown>>();
  #watch: Watch | undefined;
  #disposed = false;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#pulls = new ImagePulls(options.engine, options.context.wake);
  }

  async dial(attempt: Attempt): Promise<Machine> {
    const signal = attempt.signal as AbortSignal;
    signal.throwIfAborted();
    // It ends with the dial, or becomes the link's.
    const life = new LinkLife((cause) => {
      if (!connected) return;
      this.#watchAgain();
      attempt.lost(cause);
    });
    let connected = false;
    const onAbort = (): void => life.close();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const machine = await this.#connect(attempt, life);
      if (life.ended) throw life.signal.reason;
      connected = true;
      this.#watch?.stop();
      this.#watch = undefined;
      return machine;
    } catch (thrown) {
      life.close();
      if (signal.aborted) throw signal.reason;
      this.#watchAgain();
      throw thrown;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async dispose({ keep }: { readonly keep: boolean } = { keep: false }): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#watch?.stop();
    this.#pulls.stop();
    await Promise.all(this.#hangingUp);
    const { options, target } = this.#options;
    if (!keep && options.remove && "image" in target) await this.#remove();
  }

  async #connect(attempt: Attempt, life: LinkLife): Promise<Machine> {
    const { engine, target, options, context, clock, user } = this.#options;
    const signal = attempt.signal as AbortSignal;
    const { network } = options;
    const container = await findContainer({ engine, target, network, context, pulls: this.#pulls, signal });
    const heard = (): void => attempt.heard();
    const place: ExecPlace = { engine, container: container.id, user, clock, life, heard };
    // Events may come before the machine is there; then it is looked at once it is.
    const made: { machine?: DockerMachine } = {};
    void this.#follow(place, () => made.machine?.look());
    const surroundings = await probe(place, container);
    const { currentDirectory: directory } = surroundings.system;
    const files = { place, directory, warn: context.warn };
    const hangUp = (pids: readonly number[]): void => this.#hangUp(place, pids);
    const ours = "image" in target;
    const ofShell = surroundings.shell === undefined ? new ArchiveFiles(files) : new ExecFiles(files);
    const machine = new DockerMachine({ place, container, ours, surroundings, files: ofShell, hangUp });
    made.machine = machine;
    // It may have been stopped since it was found, before anybody listened.
    await machine.look();
    return machine;
  }

  /** The event stream is the link's own connection: its end is the first that is known of an engine's death. */
  async #follow(
    { engine, container, life }: ExecPlace,
    look: () => Promise<void> | undefined,
  ): Promise<void> {
    const end = await followEvents(engine, container, life.signal, (action) => {
      // What it finds, it does; why a look failed, the next ping says.
      if (ALARMING.has(action)) look()?.catch(() => undefined);
    });
    if (life.ended) return;
    if (!end.unavailable) return life.lose(end.cause);
    this.#options.context.warn(
      "the engine has no events: a stopped container is noticed by the next health check",
    );
  }

  #watchAgain(): void {
    const { engine, clock, target, context } = this.#options;
    if (this.#disposed || this.#watch !== undefined) return;
    const container = "container" in target ? target.container : context.memory.get("container");
    if (container === undefined) return;
    this.#watch = new Watch({ engine, clock, container, wake: context.wake });
  }

  #hangUp(place: ExecPlace, pids: readonly number[]): void {
    const life = new LinkLife(() => undefined);
    const command = ["sh", "-c", HANG_UP, "holdfast", ...pids.map(String)];
    const told: Promise<unknown> = run({ ...place, life, heard: () => undefined }, command, {
      timeoutMs: HANG_UP_TIMEOUT_MS,
    })
      // Best effort: the link is closed, whatever comes of it.
      .catch(() => undefined)
      .finally(() => {
        life.close();
        this.#hangingUp.delete(told);
      });
    this.#hangingUp.add(told);
  }

  async #remove(): Promise<void> {
    const { engine, context } = this.#options;
    const { signal } = new AbortController();
    try {
      for (const id of await engine.labelled(labelOf(context.connectionId), signal))
        await engine.remove(id, signal);
    } catch (error) {
      const { message } = error as Error;
      context.warn(
        `the container with the label ${labelOf(context.connectionId)} was not removed: ${message}`,
      );
    }
  }
}
