// A visitor that could not be served leaves a warning, but a thousand of them do not leave a thousand.
import type { HoldfastError } from "@holdfast/core";
import { escapeText } from "../terminal/escape.ts";

/** How long the same warning is not repeated. */
const PAUSE_MS = 10_000;

/** For one target. */
export class VisitorWarnings {
  readonly #warn: (text: string) => void;
  readonly #now: () => number;
  /** At most one for each code of a failure: a handful. */
  readonly #lastAt = new Map<string, number>();

  /** `now` counts milliseconds. */
  constructor(warn: (text: string) => void, now: () => number = () => performance.now()) {
    this.#warn = warn;
    this.#now = now;
  }

  failed(error: HoldfastError): void {
    // We cut it ourselves.
    if (error.code === "closed") return;
    const now = this.#now();
    const last = this.#lastAt.get(error.code);
    if (last !== undefined && now - last < PAUSE_MS) return;
    this.#lastAt.set(error.code, now);
    const hint = error.code === "connection_refused" ? "is your service running?" : error.hint;
    this.#warn(escapeText(`${error.text}${hint === undefined ? "" : `: ${hint}`}`));
  }
}
