// How much may be in flight: enough to keep the path busy, and no more, because what stands in the buffers of kernels
// and routers makes every keystroke behind it wait. As BBR does: the rate at which data is delivered (the best of the
// last ten round trips) times the least round trip, and an allowance for acknowledgements that come in lumps. It
// doubles in each round trip as long as that makes the rate rise, so a long and wide path is filled soon.
import type { Instant } from "../ports.ts";
import { Fifo } from "./fifo.ts";

/** Before anything is known, and the least ever. */
const FIRST_LIMIT_BYTES = 131_072;
const LEAST_LIMIT_BYTES = 32_768;

/** What the other end holds back before it acknowledges, in bytes and in time. */
const ACK_BYTES = 65_536;
const ACK_DELAY_MS = 25;

/**
 * While nobody waits for an answer, so much more may stand in buffers, in time and in bytes: both ends then find more
 * to do whenever they wake. On loopback that is half of the throughput; on a path of 100 Mbit/s it is 18 KiB.
 */
const STANDING_MS = 1.5;
const MOST_STANDING_BYTES = 655_360;
/** Whoever talked in small pieces may do so again for so long. Who is slower than this does not notice `STANDING_MS`. */
const ATTENTION_MS = 100;

/**
 * On a short path acknowledgements come in bursts, as event loops get their turns, and a burst is quicker than the path:
 * no rate counts for more than what arrived over so long.
 */
const AVERAGE_MS = 4;

const GAIN = 1.25;
const GAIN_AT_START = 2;
/** The path is full when the rate has not risen by a quarter in three round trips. */
const RISE = 1.25;
const ROUNDS_WITHOUT_RISE = 3;

const ROUNDS_REMEMBERED = 10;
/**
 * The least round trip is measured anew when it is a hundred times as old, within these: the path may have changed, or
 * it was measured behind data. It costs a round trip or two with little in flight.
 */
const LEAST_AGE_MS = 500;
const MOST_AGE_MS = 10_000;
const STEP_UP = 1.5;
const STEP_UP_MS = 0.02;

/** What was so when the link had taken everything up to `position`. */
interface Departure {
  readonly position: number;
  readonly at: Instant;
  /** The departure that had been acknowledged last by then. */
  readonly since: Instant;
  readonly acked: number;
  readonly ackedAt: Instant;
  /** There was not enough to send: the rate says nothing about the path. */
  readonly idle: boolean;
}

interface Mark {
  readonly position: number;
  readonly at: Instant;
}

export class InFlight {
  /** In bytes. */
  limit: number = FIRST_LIMIT_BYTES;
  /** The rate of delivery, in bytes per millisecond: the best of the last ten round trips. */
  rate = 0;
  /** The least round trip seen of late, and a smoothed one, in milliseconds. */
  leastMs: number | undefined = undefined;
  smoothMs: number | undefined = undefined;

  // Bounded: one for each 32nd of what is in flight.
  readonly #departures: Fifo<Departure> = new Fifo();
  #recorded = 0;
  #acked = 0;
  #ackedAt: Instant = 0;
  #since: Instant = 0;
  #idleUntil = 0;

  /** Where the average over the last four milliseconds, or more, begins; and the one after it. */
  #from: Mark = { position: 0, at: 0 };
  #nextFrom: Mark = { position: 0, at: 0 };

  // One for each of the last ten round trips: its best rate.
  readonly #rates: Float64Array = new Float64Array(ROUNDS_REMEMBERED);
  #round = 0;
  #roundEnd = 0;
  #rateWhenRisen = 0;
  #roundsWithoutRise = 0;
  #full = false;
  /** Some rate was the path's, not that of what there was to send. */
  #tested = false;

  #leastAt: Instant = -Infinity;
  /** Measuring the least round trip anew: first with less and less in flight, then with little. */
  #draining = false;
  #drained = false;
  #asked = false;
  #attentiveUntil: Instant = -Infinity;

  /** Another link: nothing that was measured holds. */
  restart(position: number, now: Instant): void {
    this.#departures.clear();
    this.#recorded = position;
    this.#acked = position;
    this.#ackedAt = now;
    this.#since = now;
    this.#idleUntil = position;
    this.#averageFrom(position, now);
    this.#rates.fill(0);
    this.rate = 0;
    this.#roundEnd = position;
    this.#rateWhenRisen = 0;
    this.#roundsWithoutRise = 0;
    this.#full = false;
    this.#tested = false;
    this.#leastAt = -Infinity;
    this.#draining = false;
    this.#drained = false;
    this.leastMs = undefined;
    this.smoothMs = undefined;
    this.limit = FIRST_LIMIT_BYTES;
  }

  /** The link took everything up to `position`. */
  handed(position: number, now: Instant): void {
    const nothingWas = this.#departures.length === 0;
    if (nothingWas) {
      this.#ackedAt = now;
      this.#since = now;
      this.#averageFrom(this.#acked, now);
    } else if (position - this.#recorded < this.limit / 32) return;
    this.#recorded = position;
    this.#departures.push({
      position,
      at: now,
      since: this.#since,
      acked: this.#acked,
      ackedAt: this.#ackedAt,
      idle: this.#idleUntil > this.#acked,
    });
  }

  /** A stream talks in small pieces: what it says next must not stand behind much of others. */
  attend(now: Instant): void {
    this.#attentiveUntil = now + ATTENTION_MS;
  }

  /** There was room for more than there was to send. */
  ranDry(position: number): void {
    this.#idleUntil = position;
  }

  /** The peer has everything up to `position`; `cursor` is the end of what was handed over. */
  acknowledged(position: number, cursor: number, now: Instant): void {
    let newest: Departure | undefined;
    for (let first = this.#departures.peek(); first !== undefined; first = this.#departures.peek()) {
      if (first.position > position) break;
      newest = first;
      this.#departures.shift();
    }
    this.#acked = position;
    this.#ackedAt = now;
    if (newest === undefined) return;
    this.#since = newest.at;
    this.roundTrip(now - newest.at, now, false);
    this.#sample(newest, position, now);
    this.#nextRound(newest, position, cursor);
    this.#recount(cursor, now);
  }

  /** A round trip was measured. `exact`: by PONG; acknowledgements may have been held back. */
  roundTrip(ms: number, now: Instant, exact: boolean): void {
    if (!(ms >= 0)) return;
    this.smoothMs = this.smoothMs === undefined ? ms : this.smoothMs + (ms - this.smoothMs) / 8;
    const unhindered = exact && (this.#drained || this.#departures.length === 0);
    if (this.leastMs !== undefined && ms > this.leastMs && !unhindered) return;
    // Upwards only step by step: a machine that was busy for a moment is no longer path.
    this.leastMs = this.leastMs === undefined ? ms : Math.min(ms, STEP_UP * this.leastMs + STEP_UP_MS);
    this.#leastAt = now;
    this.#draining = false;
    this.#drained = false;
  }

  /** Little is in flight just now, for the sake of a round trip that is not behind it: send PING. Asked once. */
  get wantsPing(): boolean {
    const wants = this.#drained && !this.#asked;
    if (wants) this.#asked = true;
    return wants;
  }

  #sample(departure: Departure, position: number, now: Instant): void {
    // The longer of the two times: acknowledgements may come in a lump, and so may departures.
    const elapsedMs = Math.max(now - departure.ackedAt, departure.at - departure.since);
    if (elapsedMs <= 0) return;
    const rate = Math.min((position - departure.acked) / elapsedMs, this.#average(position, now));
    const slot = this.#round % ROUNDS_REMEMBERED;
    if (!departure.idle) this.#tested = true;
    else if (rate <= this.rate) return;
    if (rate <= this.#rates[slot]!) return;
    this.#rates[slot] = rate;
    this.rate = Math.max(this.rate, rate);
  }

  #averageFrom(position: number, at: Instant): void {
    this.#from = { position, at };
    this.#nextFrom = this.#from;
  }

  #average(position: number, now: Instant): number {
    const rate = (position - this.#from.position) / Math.max(now - this.#from.at, AVERAGE_MS);
    if (now - this.#nextFrom.at >= AVERAGE_MS) {
      this.#from = this.#nextFrom;
      this.#nextFrom = { position, at: now };
    }
    return rate;
  }

  #nextRound(departure: Departure, position: number, cursor: number): void {
    if (position < this.#roundEnd) return;
    this.#roundEnd = cursor;
    const { rate } = this;
    if (rate >= this.#rateWhenRisen * RISE) {
      this.#rateWhenRisen = rate;
      this.#roundsWithoutRise = 0;
      this.#full = false;
    } else if (!departure.idle) {
      this.#roundsWithoutRise += 1;
      this.#full = this.#roundsWithoutRise >= ROUNDS_WITHOUT_RISE;
    }
    // While there was little to send the old rates stand: nothing better was learnt.
    if (departure.idle) return;
    this.#round += 1;
    this.#rates[this.#round % ROUNDS_REMEMBERED] = 0;
    this.rate = Math.max(...this.#rates);
  }

  #recount(cursor: number, now: Instant): void {
    const { rate, leastMs } = this;
    if (rate === 0 || leastMs === undefined) return;
    const gain = this.#full ? GAIN : GAIN_AT_START;
    const lump = Math.min(ACK_BYTES, rate * ACK_DELAY_MS);
    const least = this.#tested ? LEAST_LIMIT_BYTES : FIRST_LIMIT_BYTES;
    const path = gain * rate * leastMs;
    const needed = path + 2 * lump;
    this.limit =
      now < this.#attentiveUntil
        ? // Not less than what an acknowledgement is sent for, or each would be waited for.
          Math.max(LEAST_LIMIT_BYTES, Math.min(needed, Math.max(path, ACK_BYTES)))
        : Math.max(least, needed + Math.min(MOST_STANDING_BYTES, rate * STANDING_MS));
    this.#measureAnew(cursor, now);
  }

  /** A round trip measured behind our own data is too long, so hold back for one round trip first. */
  #measureAnew(cursor: number, now: Instant): void {
    if (!this.#draining) {
      const ageMs = Math.min(MOST_AGE_MS, Math.max(LEAST_AGE_MS, 100 * (this.leastMs ?? 0)));
      if (now - this.#leastAt < ageMs) return;
      this.#draining = true;
      this.#drained = false;
      this.#asked = false;
    }
    this.limit = Math.min(this.limit, FIRST_LIMIT_BYTES);
    if (cursor - this.#acked <= this.limit) this.#drained = true;
  }
}
