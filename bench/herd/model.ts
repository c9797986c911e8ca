// A herd in numbers: N clients lose their links at one instant, the relay is away for D, and then accepts C a second.
// It queues two seconds of work, refuses the rest, and a refusal costs a fraction of an accept.
import { Agenda, Dice } from "@holdfast/core/testing";

export interface HerdOptions {
  readonly clients: number;
  /** How long the relay needs to accept all of them, in seconds: N / C. */
  readonly capacitySeconds: number;
  /** How long the relay is away, in seconds. */
  readonly outageSeconds: number;
  /** What a refusal costs, as a fraction of an accept. */
  readonly refusalCost: number;
  readonly seed: number;
  /** What a relay says to those that it refuses: come back in so many milliseconds. Default: nothing. */
  readonly hint?: (nowMs: number, queueMs: number) => number;
  /** The end, in seconds after the relay is back. Default 900. */
  readonly horizonSeconds?: number;
}

/** One client of the herd. Times are milliseconds since the loss. */
export interface Client {
  /** The link is lost: when to dial, or never. */
  lost(now: number): number | undefined;
  /** The dial begins. */
  dial(now: number): void;
  /** The dial failed, or was refused with or without a hint: when to dial again, or never. */
  failed(now: number, refusal: { readonly hintMs: number | undefined } | undefined): number | undefined;
  /** It is back. */
  opened(now: number): void;
}

export interface HerdResult {
  /** When each client was back, in seconds after the relay was, in order; those that never were are missing. */
  readonly backAt: readonly number[];
  readonly clients: number;
  readonly attempts: number;
  /** Refusals by the relay. */
  readonly wasted: number;
  /** The busiest tenth of a second after the outage, as a multiple of C. */
  readonly peak: number;
  readonly gaveUp: number;
}

const QUEUE_MS = 2_000;
/** Above this the operating system drops what comes. */
const BACKLOG_MS = 8_000;
const BIN_MS = 100;

export function runHerd(options: HerdOptions, makeClient: (dice: Dice) => Client): HerdResult {
  return new Herd(options, makeClient).run();
}

class Herd {
  readonly #options: HerdOptions;
  readonly #agenda = new Agenda();
  readonly #dice: Dice;
  readonly #clients: readonly Client[];
  readonly #upAt: number;
  readonly #acceptMs: number;
  readonly #backAt: number[] = [];
  readonly #bins = new Map<number, number>();
  #busyUntil = 0;
  #attempts = 0;
  #wasted = 0;
  #gaveUp = 0;
  #now = 0;

  constructor(options: HerdOptions, makeClient: (dice: Dice) => Client) {
    this.#options = options;
    this.#dice = Dice.seeded(options.seed);
    this.#clients = Array.from({ length: options.clients }, () => makeClient(this.#dice));
    this.#upAt = options.outageSeconds * 1_000;
    this.#acceptMs = (options.capacitySeconds * 1_000) / options.clients;
  }

  run(): HerdResult {
    for (const client of this.#clients) this.#plan(client, client.lost(0));
    const end = this.#upAt + (this.#options.horizonSeconds ?? 900) * 1_000;
    for (let next = this.#agenda.take(); next !== undefined && next.at <= end; next = this.#agenda.take()) {
      this.#now = next.at;
      next.run();
    }
    const perBin = BIN_MS / this.#acceptMs;
    return {
      backAt: this.#backAt.sort((a, b) => a - b),
      clients: this.#clients.length,
      attempts: this.#attempts,
      wasted: this.#wasted,
      peak: Math.max(0, ...this.#bins.values()) / perBin,
      gaveUp: this.#gaveUp,
    };
  }

  #at(time: number, run: () => void): void {
    this.#agenda.add({ at: time, tie: this.#dice.random(), run, cancelled: false });
  }

  #plan(client: Client, at: number | undefined): void {
    if (at === undefined) this.#gaveUp += 1;
    else
      this.#at(at, () => {
        client.dial(this.#now);
        this.#attempts += 1;
        this.#at(this.#now + this.#dice.between(20, 80), () => this.#arrive(client));
      });
  }

  #arrive(client: Client): void {
    const now = this.#now;
    if (now < this.#upAt) return this.#plan(client, client.failed(now, undefined));
    const bin = Math.floor((now - this.#upAt) / BIN_MS);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
    this.#busyUntil = Math.max(this.#busyUntil, now);
    if (this.#busyUntil - now < QUEUE_MS) return this.#accept(client);
    this.#wasted += 1;
    const hintMs = this.#options.hint?.(now, this.#busyUntil - now);
    const work = this.#options.refusalCost * this.#acceptMs;
    this.#busyUntil = Math.min(this.#busyUntil + work, Math.max(this.#busyUntil, now + BACKLOG_MS));
    this.#plan(client, client.failed(now, { hintMs }));
  }

  #accept(client: Client): void {
    this.#busyUntil += this.#acceptMs;
    const at = this.#busyUntil;
    this.#at(at, () => {
      client.opened(at);
      this.#backAt.push((at - this.#upAt) / 1_000);
    });
  }
}
