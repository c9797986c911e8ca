// The driver: feeds the machine, does what it says, keeps its one timer, and shows where it stands. All waiting,
// judging and counting is the machine's.
import {
  deadline,
  HoldfastError,
  initialState,
  MAX_TIMER_MS,
  resolveConfig,
  statusOf,
  step,
  type Action,
  type Clock,
  type Config,
  type EndReason,
  type Input,
  type Liveness,
  type MachineState,
  type Random,
  type Status,
  type Timer,
  type WakeReason,
} from "@holdfast/core";
import { CredentialSource } from "./credentials.ts";
import { DialRun } from "./dial-run.ts";
import { systemClock, type Signal } from "./host.ts";
import type { ConnectOptions, Line, WakeSource } from "./line.ts";
import type { Link } from "./link.ts";
import { sameStatus, showTimes } from "./shown-status.ts";
import { WallTimes } from "./wall-times.ts";
import { Watch } from "./watch.ts";

/** A timer that fires this late may be ahead of bytes that already wait in the socket: let those in first. */
const LATE_MS = 50;

/**
 * Keep making links with `dial` until told to stop.
 * @throws HoldfastError `bad_config` (fatal) if a setting makes no sense. Everything later is on the line.
 */
export function connect<L extends Link, C = undefined>(options: ConnectOptions<L, C>): Line<L> {
  if (typeof options?.dial !== "function") throw noDial();
  const line = new LineDriver(options);
  line.start();
  return line;
}

class LineDriver<L extends Link, C> implements Line<L> {
  readonly closed: Promise<EndReason>;
  readonly #options: ConnectOptions<L, C>;
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #times: WallTimes;
  readonly #timer: Timer;
  readonly #credentials: CredentialSource<C>;
  readonly #status: Watch<Status>;
  readonly #liveness = new Watch<Liveness>(initialState.memory.liveness);
  /** At most what one step makes its callbacks say; empty between steps. */
  readonly #inputs: Input[] = [];
  readonly #stops: (() => void)[] = [];
  #settle: (reason: EndReason) => void = () => undefined;
  #state: MachineState = initialState;
  #run: DialRun<L, C> | undefined = undefined;
  #armedFor: number | undefined = undefined;
  #turning = false;

  constructor(options: ConnectOptions<L, C>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#config = resolveConfig({ ...options, failFast: (failure) => this.#failsFast(failure) });
    this.#credentials = new CredentialSource(options.credentials);
    this.#times = new WallTimes(this.#clock);
    this.#timer = this.#clock.timer(() => this.#fired());
    this.#status = new Watch(this.#shown());
    this.closed = new Promise((resolve) => (this.#settle = resolve));
  }

  start(): void {
    const { signal, wakes = [] } = this.#options;
    this.#warnOfTightTimeout();
    if (signal !== undefined) {
      const stop = (): void => this.#feed({ type: "close" });
      signal.addEventListener("abort", stop, { once: true });
      this.#stops.push(() => signal.removeEventListener("abort", stop));
    }
    if (signal?.aborted) return this.#feed({ type: "close" });
    for (const source of wakes) this.#listen(source);
    this.#feed({ type: "start" });
  }

  get status(): Status {
    return this.#shown();
  }

  get link(): L | undefined {
    return this.#state.at === "up" ? this.#run?.link : undefined;
  }

  get liveness(): Liveness {
    return this.#liveness.value;
  }

  changes(options?: { readonly signal?: Signal }): AsyncIterableIterator<Status> {
    return this.#status.changes(options?.signal);
  }

  livenessChanges(options?: { readonly signal?: Signal }): AsyncIterableIterator<Liveness> {
    return this.#liveness.changes(options?.signal);
  }

  async ready(options?: { readonly signal?: Signal }): Promise<L> {
    for await (const status of this.changes(options)) {
      const { link } = this;
      if (link !== undefined) return link;
      if (status.state === "disconnected") throw status.reason.error ?? closedError();
    }
    throw options?.signal?.reason ?? closedError();
  }

  wake(reason: WakeReason = "user"): void {
    this.#feed({ type: "wake", reason });
  }

  answer(): void {
    this.#feed({ type: "answered" });
  }

  close(): Promise<EndReason> {
    this.#feed({ type: "close" });
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Inputs that come while one is being carried out wait for it: no step runs inside another. */
  #feed(input: Input): void {
    if (this.#state.at === "ended") return;
    this.#inputs.push(input);
    if (this.#turning) return;
    this.#turning = true;
    let shows = false;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const heard = { ...next, heardAt: this.#run?.heardAt };
      const { state, actions } = step(this.#state, heard, this.#clock.mono(), this.#config, this.#random);
      this.#state = state;
      // Data moves all the time, and no status says so.
      shows ||= next.type !== "progress";
      for (const action of actions) this.#perform(action);
    }
    this.#turning = false;
    this.#arm();
    if (shows) this.#publish();
  }

  #perform(action: Action): void {
    switch (action.type) {
      case "dial":
        return this.#dial(action);
      case "cancel_dial":
      case "hang_up":
        return this.#drop(action.failure);
      case "ping":
        return void this.#run?.ping();
      case "consult":
        return this.#consult(action);
    }
  }

  #dial(order: Extract<Action, { type: "dial" }>): void {
    const epoch = this.#state.memory.epoch + 1;
    const run = new DialRun<L, C>({ ...order, epoch }, this.#clock, this.#credentials, (input) =>
      this.#feed(input),
    );
    this.#run = run;
    void run.start(this.#options.dial);
  }

  #drop(failure: HoldfastError): void {
    const { heardAt, heardWall } = this.#run ?? {};
    if (heardAt !== undefined) this.#times.note("heard", heardAt, heardWall);
    this.#run?.end(failure);
    this.#run = undefined;
  }

  #consult({ dial, attempt, failures, delayMs, failure }: Extract<Action, { type: "consult" }>): void {
    const { retrying } = this.#options;
    if (retrying === undefined) return;
    try {
      const answer = retrying({ attempt, failures, delayMs, failure });
      if (answer === false) this.#feed({ type: "vetoed", dial });
      else if (typeof answer === "number" && answer >= 0)
        this.#feed({ type: "adjusted", dial, delayMs: answer });
    } catch (thrown) {
      this.#warn("hook_failed", "the retrying hook threw", thrown);
    }
  }

  #failsFast(failure: HoldfastError): boolean {
    const { failFast = true } = this.#options;
    if (typeof failFast === "boolean") return failFast;
    try {
      return failFast(failure);
    } catch (thrown) {
      this.#warn("hook_failed", "the failFast predicate threw", thrown);
      return true;
    }
  }

  #listen(source: WakeSource): void {
    try {
      const stop = source((...wake) => this.#woken(...wake));
      // A source may end the line before it has returned.
      if (this.#state.at === "ended") this.#stop(stop);
      else this.#stops.push(stop);
    } catch (thrown) {
      this.#warn("wake_source_failed", "a source of wakes threw", thrown);
    }
  }

  #woken(reason: WakeReason, addresses?: readonly string[]): void {
    const local = this.link?.localAddress;
    const addressGone = local !== undefined && addresses !== undefined && !addresses.includes(local);
    this.#feed({ type: "wake", reason, addressGone });
  }

  #arm(): void {
    const at = deadline(this.#state, this.#config);
    // To look too early now and then costs less than to move the timer with every byte.
    if (at !== undefined && this.#armedFor !== undefined && this.#armedFor <= at) return;
    this.#armedFor = at;
    if (at === undefined) this.#timer.clear();
    else this.#timer.set(Math.min(Math.max(0, Math.ceil(at - this.#clock.mono())), MAX_TIMER_MS));
  }

  #fired(): void {
    const dueAt = this.#armedFor ?? -Infinity;
    const late = dueAt !== -Infinity && this.#clock.mono() - dueAt > LATE_MS;
    // Once, however much comes meanwhile: nothing is due before -Infinity.
    this.#armedFor = late ? -Infinity : undefined;
    if (late) this.#timer.set(0);
    else this.#feed({ type: "tick" });
  }

  #publish(): void {
    const state = this.#state;
    const shown = this.#shown();
    if (!sameStatus(shown, this.#status.value)) this.#status.set(shown);
    const { liveness } = state.memory;
    if (liveness !== this.#liveness.value) this.#liveness.set(liveness);
    if (state.at === "ended") this.#finish(state.reason);
  }

  #finish(reason: EndReason): void {
    this.#run = undefined;
    for (const stop of this.#stops.splice(0)) this.#stop(stop);
    this.#status.end();
    this.#liveness.end();
    this.#settle(reason);
  }

  #stop(stop: () => void): void {
    try {
      stop();
    } catch (thrown) {
      this.#warn("wake_source_failed", "a source of wakes threw when it was stopped", thrown);
    }
  }

  #shown(): Status {
    const shown = showTimes(statusOf(this.#state), this.#times);
    const { heardAt, heardWall } = this.#run ?? {};
    return heardAt === undefined
      ? shown
      : { ...shown, lastHeard: this.#times.note("heard", heardAt, heardWall) };
  }

  #warnOfTightTimeout(): void {
    const { heartbeat } = this.#config;
    if (heartbeat === undefined || heartbeat.timeoutMs > heartbeat.intervalMs) return;
    const { timeoutMs, intervalMs } = heartbeat;
    this.#warn(
      "tight_timeout",
      `heartbeat timeout ${timeoutMs} ms is within the interval ${intervalMs} ms: pinging every third of the timeout`,
    );
  }

  #warn(code: string, message: string, cause?: unknown): void {
    try {
      this.#options.onWarning?.(new HoldfastError({ code, message, fault: "local", cause }));
    } catch {
      // A listener that throws harms nobody.
    }
  }
}

function noDial(): HoldfastError {
  return new HoldfastError({
    code: "bad_config",
    message: "connect() needs a `dial` function, which makes one link",
    kind: "fatal",
    fault: "local",
  });
}

function closedError(): HoldfastError {
  return new HoldfastError({ code: "closed", message: "the line was closed", kind: "fatal", fault: "local" });
}
