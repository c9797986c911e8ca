// A machine within the world: it has the clocks that a process sees, and it can sleep, stand still, and be set
// to another hour. What reaches it meanwhile waits.
import type { Clock, Timer } from "../ports.ts";
import type { Appointment } from "./agenda.ts";
import type { World } from "./world.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** 2026-01-01, so that wall time cannot be mistaken for monotonic time. */
const WALL_AT_START = 1_767_225_600_000;

export class Host {
  readonly world: World;
  readonly clock: Clock;
  /** Timers that are armed now. */
  armed = 0;
  /** Called when the process runs again, before anything else. */
  onResume: () => void = () => undefined;
  #sleptMs = 0;
  #wallShiftMs = 0;
  #awayFrom: number | undefined = undefined;
  #sleeping = false;
  readonly #lateTimers: HostTimer[] = [];
  readonly #arrivals: (() => void)[] = [];

  constructor(world: World) {
    this.world = world;
    this.clock = {
      mono: () => this.#mono(),
      wall: () => this.#wall(),
      timer: (fire) => new HostTimer(this, fire),
    };
  }

  /** Whether the process runs at all. */
  get running(): boolean {
    return this.#awayFrom === undefined;
  }

  /** Monotonic time halts and wall time goes on: a closed lid, on Linux. */
  suspend(ms: number): void {
    this.#leave(ms, true);
  }

  /** Both clocks go on, timers fire late: SIGSTOP, a debugger, a blocked event loop. */
  stall(ms: number): void {
    this.#leave(ms, false);
  }

  /** Somebody sets the clock. */
  shiftWall(byMs: number): void {
    this.#wallShiftMs += byMs;
  }

  /** Something arrives from outside now; it is taken in when the process runs. */
  deliver(run: () => void): void {
    if (this.running) run();
    else this.#arrivals.push(run);
  }

  /** A timer would fire if anything ran here: it is looked at again when it does. */
  postpone(timer: HostTimer): void {
    this.#lateTimers.push(timer);
  }

  #leave(ms: number, sleeping: boolean): void {
    if (!this.running) return;
    this.#awayFrom = this.world.now;
    this.#sleeping = sleeping;
    this.world.note(`${sleeping ? "suspended" : "stalled"} for ${ms.toFixed(0)} ms`);
    this.world.after(ms, () => this.#comeBack());
  }

  #comeBack(): void {
    const from = this.#awayFrom ?? this.world.now;
    if (this.#sleeping) this.#sleptMs += this.world.now - from;
    this.#awayFrom = undefined;
    this.world.note("running again");
    this.onResume();
    // As in Node: timers first, then what came in; each in a turn of its own.
    for (const timer of this.#lateTimers.splice(0)) this.world.after(0, () => timer.expire());
    this.#arrivals.splice(0).forEach((run, index) => {
      this.world.after(0.001 * (index + 1), () => this.deliver(run));
    });
  }

  #mono(): number {
    if (this.#awayFrom !== undefined && this.#sleeping) return this.#awayFrom - this.#sleptMs;
    return this.world.now - this.#sleptMs;
  }

  #wall(): number {
    return WALL_AT_START + this.world.now + this.#wallShiftMs;
  }
}

export class HostTimer implements Timer {
  readonly #host: Host;
  readonly #fire: () => void;
  #dueAt: number | undefined = undefined;
  #appointment: Appointment | undefined = undefined;

  constructor(host: Host, fire: () => void) {
    this.#host = host;
    this.#fire = fire;
  }

  set(delayMs: number): void {
    if (!(delayMs >= 0 && delayMs <= LONGEST_TIMER_MS)) {
      this.#host.world.fail("I4", `a timer cannot wait for ${delayMs} ms`);
    }
    this.clear();
    this.#host.armed += 1;
    // No timer of a real machine fires sooner than after a millisecond.
    this.#dueAt = this.#host.clock.mono() + Math.max(1, delayMs);
    this.#plan();
  }

  clear(): void {
    if (this.#dueAt === undefined) return;
    this.#host.armed -= 1;
    this.#dueAt = undefined;
    this.#forget();
  }

  /** The world's time has come; the machine's may not have, if it slept. */
  expire(): void {
    if (this.#dueAt === undefined) return;
    if (!this.#host.running) return this.#host.postpone(this);
    if (this.#host.clock.mono() + 1e-6 < this.#dueAt) return this.#plan();
    this.clear();
    this.#fire();
  }

  #plan(): void {
    this.#forget();
    const leftMs = Math.max(0, (this.#dueAt ?? 0) - this.#host.clock.mono());
    this.#appointment = this.#host.world.after(leftMs, () => this.expire());
  }

  #forget(): void {
    if (this.#appointment !== undefined) this.#appointment.cancelled = true;
    this.#appointment = undefined;
  }
}
