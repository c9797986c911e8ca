// A program's own connection to the daemon, as a line: the daemon is started if there is none, and started again if it
// crashed, so that the program goes on. One that was told to stop is not started again: it is waited for, as in a
// restart, and then the line ends.
import type { ControlClient, DaemonAnswer, DaemonRequest, Push } from "@holdfast/control";
import { HoldfastError, type Clock, type EndReason } from "@holdfast/core";
import { connect, systemClock, type Attempt, type Line, type Link } from "@holdfast/net";
import { awaitDaemon, findDaemon, type StartedDaemon } from "./find-daemon.ts";
import { Listeners, type DaemonListener } from "./listeners.ts";
import { checkVersion } from "./version.ts";

/** How long `hello` and each reply may take: a daemon that has to load something still answers by then. */
const REPLY_MS = 10_000;
/** A start of the daemon included, on a machine that is busy. */
const DIAL_MS = 30_000;
/** How long a daemon that was told to stop is waited for: a restart takes a moment. */
const RESTART_MS = 10_000;
/** What the death of the daemon looks like from here. */
const BROKEN: ReadonlySet<string> = new Set(["daemon_lost", "connection_closed", "connection_reset"]);
/** A request whose daemon died as often as this may be what it dies of. */
const MOST_ASKS = 3;

export interface DaemonClientOptions extends DaemonListener {
  /** Of `holdfastPaths()`. */
  readonly runtimeFolder: string;
  /** Ours. A daemon of another one is refused: `version_mismatch`. */
  readonly version: string;
  /** Starts a daemon, without waiting until it answers. Absent: none is started, and its absence is `not_running`. */
  readonly start?: () => Promise<StartedDaemon>;
  /** How long a daemon that was told to stop is waited for, in milliseconds. Default 10,000. */
  readonly restartMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** Goes on over crashes and restarts of the daemon. */
export interface DaemonClient {
  /**
   * The present control connection, or the next one.
   * @throws HoldfastError what keeps it from coming: `not_running`, `version_mismatch`, `daemon_stopped`, `closed` …
   */
  control(signal?: AbortSignal): Promise<ControlClient>;
  /**
   * Ask a daemon for something that may be asked again: if it dies before the answer, the next one is asked.
   * @throws HoldfastError as `control` does, or what the daemon answered.
   */
  ask<T extends DaemonRequest["type"]>(
    request: Extract<DaemonRequest, { type: T }>,
  ): Promise<DaemonAnswer<T>>;
  /** Hear what the daemon says, until the returned function is called. */
  listen(listener: DaemonListener): () => void;
  /** Settles when there will be no more daemon for this client, with why. Never rejects. */
  readonly ended: Promise<EndReason>;
  close(): Promise<void>;
}

/** Never throws: what goes wrong is what `control` rejects with. */
export function openDaemonClient(options: DaemonClientOptions): DaemonClient {
  return new Client(options);
}

interface ControlLink extends Link {
  readonly control: ControlClient;
}

class Client implements DaemonClient {
  readonly ended: Promise<EndReason>;
  readonly #options: DaemonClientOptions;
  readonly #clock: Clock;
  readonly #listeners = new Listeners();
  readonly #line: Line<ControlLink>;
  /** The last daemon said that it ends, so nobody may start it again behind the back of who ended it. */
  #stopped = false;

  constructor(options: DaemonClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#listeners.add(options);
    this.#line = connect<ControlLink>({
      dial: (attempt) => this.#dial(attempt),
      // A local socket says by itself when its other end is gone.
      heartbeat: false,
      dialTimeoutMs: DIAL_MS,
      // One that dies in the middle of our greeting is started again, as at any other time.
      failFast: ({ code }) => !BROKEN.has(code),
      backoff: { initialMs: 100, maxMs: 2_000, firstRetry: "at_once" },
      clock: this.#clock,
    });
    this.ended = this.#line.closed;
    void this.#follow();
  }

  async control(signal?: AbortSignal): Promise<ControlClient> {
    return (await this.#line.ready(signal === undefined ? {} : { signal })).control;
  }

  async ask<T extends DaemonRequest["type"]>(
    request: Extract<DaemonRequest, { type: T }>,
  ): Promise<DaemonAnswer<T>> {
    for (let asked = 1; ; asked++) {
      const control = await this.control();
      try {
        return await control.ask<T>(request);
      } catch (thrown) {
        const failure = HoldfastError.from(thrown);
        // What the daemon answered is its answer; anything else is the loss of the connection.
        if (failure.fault === "peer" || asked === MOST_ASKS) throw failure;
        control.close();
        await control.closed;
      }
    }
  }

  listen(listener: DaemonListener): () => void {
    const stop = this.#listeners.add(listener);
    // A connection that breaks meanwhile is made again with all topics.
    if ((listener.topics ?? []).length > 0) {
      void this.#line.link?.control.subscribe(this.#listeners.topics).catch(() => undefined);
    }
    return stop;
  }

  async close(): Promise<void> {
    await this.#line.close();
  }

  async #dial(attempt: Attempt): Promise<ControlLink> {
    const control = await this.#reach(attempt.signal as AbortSignal);
    void control.closed.then(() => attempt.lost(crashed(control, this.#stopped)));
    try {
      checkVersion(control.hello, this.#options.version);
      this.#stopped = false;
      await control.subscribe(this.#listeners.topics);
      attempt.heard();
      return { control, close: () => control.close() };
    } catch (thrown) {
      control.close();
      throw thrown;
    }
  }

  async #reach(signal: AbortSignal): Promise<ControlClient> {
    const { runtimeFolder, start, restartMs = RESTART_MS } = this.#options;
    const options = {
      runtimeFolder,
      signal,
      clock: this.#clock,
      timeoutMs: REPLY_MS,
      onPush: (push: Push) => this.#hear(push),
      onQuestion: this.#listeners.question.bind(this.#listeners),
    };
    if (this.#stopped) return this.#awaitRestart(options, restartMs);
    const running = await findDaemon(runtimeFolder, options);
    if (running !== undefined) return running;
    if (start === undefined) throw notRunning();
    return awaitDaemon(await start(), options);
  }

  async #awaitRestart(options: Parameters<typeof awaitDaemon>[1], restartMs: number): Promise<ControlClient> {
    const over = new AbortController();
    const timer = this.#clock.timer(() => over.abort(stopped()));
    timer.set(restartMs);
    try {
      return await awaitDaemon(undefined, {
        ...options,
        signal: AbortSignal.any([options.signal, over.signal]),
      });
    } finally {
      timer.clear();
    }
  }

  #hear(push: Push): void {
    const entries = push.type === "snapshot" ? push.entries : [];
    const [daemon] = entries.filter((entry) => entry.type === "daemon");
    const event = push.type === "event" && push.event.type === "daemon_state" ? push.event : undefined;
    if (daemon?.state === "stopping" || event?.state === "stopping") this.#stopped = true;
    this.#listeners.push(push);
  }

  async #follow(): Promise<void> {
    let epoch = 0;
    let away = false;
    for await (const status of this.#line.changes()) {
      if (status.state === "connected" && status.epoch > epoch) {
        const link = this.#line.link;
        if (epoch > 0 && link !== undefined) this.#listeners.back(link.control);
        epoch = status.epoch;
        away = false;
      } else if (status.state === "reconnecting" && !away) {
        away = true;
        this.#listeners.away(status.failure);
      }
    }
  }
}

function crashed({ hello }: ControlClient, inOrder: boolean): HoldfastError {
  const message = inOrder
    ? `the daemon (process ${hello.pid}) was stopped`
    : `the daemon (process ${hello.pid}) has ended without saying so`;
  return new HoldfastError({ code: inOrder ? "daemon_stopped" : "daemon_lost", message, fault: "local" });
}

function notRunning(): HoldfastError {
  const message = "the daemon is not running";
  const hint = "holdfast daemon start starts it";
  return new HoldfastError({ code: "not_running", message, hint, fault: "local" });
}

function stopped(): HoldfastError {
  const message = "the daemon was stopped";
  const hint = "holdfast daemon start starts it again, with all that is kept";
  return new HoldfastError({ code: "daemon_stopped", message, hint, kind: "fatal", fault: "local" });
}
