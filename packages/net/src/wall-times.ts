// Times as people tell them, noted when things happen. They cannot be worked out later: while a machine sleeps the
// monotonic clock may stand still, and what was eight hours ago would seem to be five seconds ago.
import type { Clock } from "@holdfast/core";

export class WallTimes {
  readonly #clock: Clock;
  /** One for each kind of event that a status tells of. */
  readonly #notes = new Map<string, { readonly at: number; readonly wall: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The time of what happened at `at`, noted now if it is news; `wall` if that is known. */
  note(event: string, at: number, wall?: number): number {
    const known = this.#notes.get(event);
    if (known !== undefined && known.at >= at) return known.wall;
    const fresh = { at, wall: wall ?? this.project(at) };
    this.#notes.set(event, fresh);
    return fresh.wall;
  }

  /** When `at` will be, or was, if no time stands still. */
  project(at: number): number {
    return Math.round(this.#clock.wall() - (this.#clock.mono() - at));
  }
}
