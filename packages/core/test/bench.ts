// The machine on a bench: a hand turns its clock and feeds it, and sees each thing that it wants done.
import {
  deadline,
  HoldfastError,
  initialState,
  resolveConfig,
  statusOf,
  step,
  type Action,
  type Config,
  type FailureDetails,
  type Input,
  type LinkTraits,
  type MachineState,
  type Policy,
  type Random,
  type Status,
} from "@holdfast/core";

export const LOW: Random = () => 0;
export const MIDDLE: Random = () => 0.5;
/** As high as a draw can be. */
export const HIGH: Random = () => 1 - 2 ** -53;

/** A link that answers pings, as most do. */
export const PINGS: LinkTraits = {
  pings: true,
  beats: false,
  survivesPingFailure: false,
  windowMs: undefined,
};
export const BEATS: LinkTraits = { ...PINGS, pings: false, beats: true };
export const MUTE: LinkTraits = { ...PINGS, pings: false };

export const REFUSED: FailureDetails = { code: "connection_refused", message: "connection refused" };
export const BUSY: FailureDetails = { code: "busy", message: "busy", kind: "throttled", fault: "peer" };
export const EXPIRED: FailureDetails = {
  code: "bad_token",
  message: "expired",
  kind: "unauthorized",
  fault: "peer",
};
export const PEER_LEFT: FailureDetails = { code: "closed_by_peer", message: "closed", fault: "peer" };
export const FATAL: FailureDetails = {
  code: "bad_version",
  message: "too old",
  kind: "fatal",
  fault: "peer",
};
export const STRANGER: FailureDetails = {
  code: "identity_changed",
  message: "another key",
  kind: "fatal",
  fault: "peer",
};

export class Bench {
  now = 0;
  state: MachineState = initialState;
  random: Random;
  heardAt: number | undefined = undefined;
  readonly config: Config;
  /** Every action so far, with the time at which it was asked for. */
  readonly log: { readonly at: number; readonly action: Action }[] = [];

  constructor(policy: Policy = {}, random: Random = MIDDLE) {
    this.config = resolveConfig({ failFast: false, ...policy });
    this.random = random;
  }

  feed(input: Input): readonly Action[] {
    const heard = { heardAt: this.heardAt, ...input };
    const { state, actions } = step(this.state, heard, this.now, this.config, this.random);
    this.state = state;
    for (const action of actions) this.log.push({ at: this.now, action });
    return actions;
  }

  /** The names of what one input makes it do. */
  names(input: Input): readonly string[] {
    return this.feed(input).map(({ type }) => type);
  }

  start(): this {
    this.feed({ type: "start" });
    return this;
  }

  /** Let time pass, with a timer that is always on time. */
  pass(ms: number): this {
    const end = this.now + ms;
    for (let turns = 0; ; turns++) {
      if (turns > 100_000) throw new Error("the machine spins");
      const at = deadline(this.state, this.config);
      if (at === undefined || at > end) break;
      this.now = Math.max(this.now, at);
      this.feed({ type: "tick" });
    }
    this.now = end;
    return this;
  }

  /** Let time pass while nobody looks: the timer comes late. */
  freeze(ms: number): this {
    this.now += ms;
    this.feed({ type: "tick" });
    return this;
  }

  /** A byte comes. */
  hear(): this {
    this.heardAt = this.now;
    return this;
  }

  open(link: LinkTraits = PINGS): this {
    this.feed({ type: "opened", dial: this.state.memory.dial, link });
    return this;
  }

  fail(details: FailureDetails = REFUSED): this {
    this.feed({ type: "dial_failed", dial: this.state.memory.dial, failure: new HoldfastError(details) });
    return this;
  }

  lose(details: FailureDetails = PEER_LEFT): this {
    this.feed({ type: "lost", dial: this.state.memory.dial, failure: new HoldfastError(details) });
    return this;
  }

  progress(unackedBytes: number, movedBytes: number): this {
    this.feed({ type: "progress", dial: this.state.memory.dial, unackedBytes, movedBytes });
    return this;
  }

  wake(reason: "user" | "network" | "sleep" | "online" | "visible" = "user", addressGone = false): this {
    this.feed({ type: "wake", reason, addressGone });
    return this;
  }

  /** Let the present wait run out; how long it was. */
  wait(): number {
    if (this.state.at !== "waiting") throw new Error(`not waiting but ${this.state.at}`);
    const ms = this.state.retryAt - this.now;
    this.pass(ms);
    return ms;
  }

  /** Up and stable, the peer talking all the while. */
  stable(link: LinkTraits = PINGS): this {
    if (this.state.at === "idle") this.start();
    if (this.state.at === "waiting") this.wait();
    this.open(link);
    for (let ms = 0; ms < this.config.stableAfterMs; ms += 1_000) this.hear().pass(1_000);
    return this.hear();
  }

  get status(): Status {
    return statusOf(this.state);
  }

  /** What the status is waiting for, in milliseconds from now. */
  get waitMs(): number {
    return this.state.at === "waiting" ? this.state.retryAt - this.now : NaN;
  }

  count(type: Action["type"]): number {
    return this.log.filter(({ action }) => action.type === type).length;
  }

  /** When each dial began. */
  get dials(): readonly number[] {
    return this.log.filter(({ action }) => action.type === "dial").map(({ at }) => at);
  }

  get reason(): string {
    return this.state.at === "ended" ? this.state.reason.code : `not ended but ${this.state.at}`;
  }
}

/** The waits of `count` dials in a row that fail at once. */
export function waits(bench: Bench, count: number, failure: FailureDetails = REFUSED): readonly number[] {
  return Array.from({ length: count }, () => {
    bench.fail(failure);
    return bench.wait();
  });
}
