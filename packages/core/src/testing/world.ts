// A world made of numbers: its own time, its own chance, and a list of what happens next. Nothing in it takes
// any real time, and the same seed makes the same world.
import { Agenda, type Appointment } from "./agenda.ts";
import { Dice } from "./random.ts";
import { Violation } from "./violation.ts";

export interface WorldOptions {
  readonly seed: number;
  /** So much may happen at one instant; more is a livelock. Default 5,000. */
  readonly mostAtOnce?: number;
  /** Called with each line of what happens. Default: nobody listens. */
  readonly trace?: (line: string) => void;
}

export interface RunOptions {
  /** Let promises settle between two events. Default: there are none. */
  readonly drain?: () => Promise<void>;
  /** Called after each event. */
  readonly check?: () => void;
  /** Stop early. */
  readonly until?: () => boolean;
}

export class World {
  readonly seed: number;
  /** Everything that the world itself draws. */
  readonly dice: Dice;
  /** How much has happened. */
  steps = 0;
  readonly #agenda = new Agenda();
  readonly #ties: Dice;
  readonly #mostAtOnce: number;
  readonly #trace: ((line: string) => void) | undefined;
  #violation: Violation | undefined = undefined;
  #now = 0;
  #atOnce = 0;
  #hash = 0x811c9dc5;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.dice = Dice.seeded(options.seed);
    this.#ties = this.dice.fork();
    this.#mostAtOnce = options.mostAtOnce ?? 5_000;
    this.#trace = options.trace;
  }

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** A number that two runs share only if the same was noted in both. */
  get fingerprint(): number {
    return this.#hash >>> 0;
  }

  at(time: number, run: () => void): Appointment {
    const appointment = { at: Math.max(time, this.#now), tie: this.#ties.random(), run, cancelled: false };
    this.#agenda.add(appointment);
    return appointment;
  }

  after(delayMs: number, run: () => void): Appointment {
    return this.at(this.#now + delayMs, run);
  }

  /** Put a line into the trace. */
  note(line: string): void {
    const text = `${this.#now.toFixed(3)} ${line}`;
    for (let i = 0; i < text.length; i++) this.#hash = Math.imul(this.#hash ^ text.charCodeAt(i), 0x01000193);
    this.#trace?.(text);
  }

  /** Also noticed by `run` where what is under test swallows the throw. */
  fail(invariant: string, message: string): never {
    const violation = new Violation(invariant, message, this.seed, this.#now);
    this.#violation ??= violation;
    throw violation;
  }

  /**
   * Let everything happen that is due up to `end`; time is `end` afterwards unless `until` said so earlier.
   * @throws Violation if too much happens at one instant.
   */
  async run(end: number, options: RunOptions = {}): Promise<void> {
    const { drain, check, until } = options;
    await drain?.();
    check?.();
    for (;;) {
      if (until?.()) return;
      const next = this.#agenda.first;
      if (next === undefined || next.at > end) break;
      this.#agenda.take();
      if (next.cancelled) continue;
      this.#advance(next.at);
      next.run();
      if (drain !== undefined) await drain();
      if (this.#violation !== undefined) throw this.#violation;
      check?.();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** The same for worlds without promises. */
  runNow(end: number): void {
    for (;;) {
      const next = this.#agenda.first;
      if (next === undefined || next.at > end) break;
      this.#agenda.take();
      if (next.cancelled) continue;
      this.#advance(next.at);
      next.run();
    }
    this.#now = Math.max(this.#now, end);
  }

  #advance(to: number): void {
    this.steps += 1;
    this.#atOnce = to > this.#now ? 0 : this.#atOnce + 1;
    this.#now = Math.max(this.#now, to);
    if (this.#atOnce > this.#mostAtOnce)
      this.fail("livelock", `${this.#atOnce} steps without progress of time`);
  }
}
