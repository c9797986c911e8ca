// A line on a stage: time moves when it is told to, and whoever plays the peer answers each dial by hand.
import type { Clock, Random, Timer } from "@holdfast/core";
import { connect, type Attempt, type ConnectOptions, type Dial, type Line, type Link } from "@holdfast/net";

/** A clock that moves by hand. It counts its timers, so that leaks show. */
class HandClock implements Clock {
  now = 0;
  /** Added to wall time: somebody sets the clock. */
  wallShiftMs = 1_800_000_000_000;
  /** Timers ever made. */
  made = 0;
  /** Every delay that a timer was armed with. */
  readonly delays: number[] = [];
  readonly #armed = new Map<Timer, { readonly at: number; readonly fire: () => void }>();

  mono(): number {
    return this.now;
  }

  wall(): number {
    return this.now + this.wallShiftMs;
  }

  timer(fire: () => void): Timer {
    this.made += 1;
    const timer: Timer = {
      set: (delayMs) => {
        this.delays.push(delayMs);
        this.#armed.set(timer, { at: this.now + delayMs, fire });
      },
      clear: () => void this.#armed.delete(timer),
    };
    return timer;
  }

  get armed(): number {
    return this.#armed.size;
  }

  /** Let time pass; timers fire on time, promises settle after each. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await settle();
    for (let turns = 0; turns < 10_000; turns++) {
      const next = this.#next();
      if (next === undefined || next.at > end) {
        this.now = end;
        return settle();
      }
      this.now = Math.max(this.now, next.at);
      this.fireDue();
      await settle();
    }
    throw new Error("the driver spins");
  }

  /** Fire what is due by now, as late as it may be. */
  fireDue(): void {
    for (const [timer, { at, fire }] of Array.from(this.#armed)) {
      if (at > this.now) continue;
      this.#armed.delete(timer);
      fire();
    }
  }

  /** Fire whatever is armed although its time has not come. */
  fireEarly(): void {
    for (const [timer, { fire }] of Array.from(this.#armed)) {
      this.#armed.delete(timer);
      fire();
    }
  }

  #next(): { readonly at: number } | undefined {
    return [...this.#armed.values()].sort((a, b) => a.at - b.at)[0];
  }
}

/** Let every promise that can settle do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));
}

export class FakeLink implements Link {
  closes = 0;
  pings = 0;
  reason: unknown = undefined;
  onClose: () => void = () => undefined;
  onPing: () => void | Promise<void> = () => undefined;
  localAddress: string | undefined = undefined;
  reconnectWindowMs: number | undefined = undefined;
  survivesPingFailure = false;

  close(reason?: unknown): void {
    this.closes += 1;
    this.reason = reason;
    this.onClose();
  }

  ping(): void | Promise<void> {
    this.pings += 1;
    return this.onPing();
  }
}

/** One call of `dial`. */
export interface Call {
  readonly at: number;
  readonly attempt: Attempt<unknown>;
  readonly link: FakeLink;
  open(): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export class Stage {
  readonly clock = new HandClock();
  readonly calls: Call[] = [];
  random: Random = () => 0.5;
  readonly #made = new Set<FakeLink>();
  readonly #failed = new Set<FakeLink>();

  readonly dial: Dial<FakeLink> = (attempt) =>
    new Promise((resolve, reject) => {
      const link = new FakeLink();
      this.calls.push({
        at: this.clock.now,
        attempt,
        link,
        open: () => {
          if (!this.#failed.has(link)) this.#made.add(link);
          resolve(link);
          return settle();
        },
        fail: (error) => {
          if (!this.#made.has(link)) this.#failed.add(link);
          reject(error);
          return settle();
        },
      });
    });

  /** A line whose dials are answered by hand; retried for ever unless told otherwise. */
  line<C = undefined>(options: Partial<ConnectOptions<FakeLink, C>> = {}): Line<FakeLink> {
    return connect<FakeLink, C>({
      dial: this.dial as Dial<FakeLink, C>,
      failFast: false,
      clock: this.clock,
      random: () => this.random(),
      ...options,
    });
  }

  get last(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error("nobody dialled yet");
    return call;
  }

  /** Let time pass until the next dial, however long that takes. */
  async redialled(): Promise<Call> {
    const before = this.calls.length;
    for (let turns = 0; turns < 10_000 && this.calls.length === before; turns++) await this.clock.pass(10);
    if (this.calls.length === before) throw new Error("nobody dials");
    return this.last;
  }

  /** A line whose first link is up. */
  async up<C = undefined>(options: Partial<ConnectOptions<FakeLink, C>> = {}): Promise<Line<FakeLink>> {
    const line = this.line(options);
    await settle();
    await this.last.open();
    return line;
  }

  /** A line whose first link has been up for long enough. */
  async stable<C = undefined>(options: Partial<ConnectOptions<FakeLink, C>> = {}): Promise<Line<FakeLink>> {
    const line = await this.up(options);
    for (let s = 0; s < 10; s++) {
      await this.clock.pass(1_000);
      this.last.attempt.heard();
    }
    return line;
  }

  /** Links that were made and have not been closed. */
  get openLinks(): number {
    return [...this.#made].filter(({ closes }) => closes === 0).length;
  }
}

export const refused = (): Error => Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

/** Run `body` and collect every promise rejection that nobody handled. */
export async function unhandledIn(body: () => Promise<void>): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  const note = (reason: unknown): void => void seen.push(reason);
  process.on("unhandledRejection", note);
  try {
    await body();
    await settle();
  } finally {
    process.off("unhandledRejection", note);
  }
  return seen;
}
