// Whether a link is alive: pings with a deadline, one at a time. One that fails kills nobody; several in a row do.
import { HoldfastError, LATE_MS, type Clock } from "@holdfast/core";
import type { HealthCheck } from "../plugin/plugin.ts";
import { within } from "./deadline.ts";

/** How many failures bound the silence of a link whose failures are not counted. */
const UNCOUNTED_FAILURES = 3;

/** How old the last sign of life of a `connected` machine can be, in milliseconds: what all its failures may take. */
export function livenessTimeoutMs({ intervalMs, timeoutMs, failures, byPlugin }: HealthCheck): number {
  if (byPlugin) return timeoutMs + LATE_MS;
  return (failures === 0 ? UNCOUNTED_FAILURES : failures) * (intervalMs + timeoutMs);
}

export interface HealthParts {
  readonly check: HealthCheck;
  readonly clock: Clock;
  readonly ping: () => Promise<void>;
  /** An answer came. */
  readonly alive: () => void;
  /** Too many failed. */
  readonly dead: (failure: HoldfastError) => void;
}

export class Health {
  readonly #parts: HealthParts;
  #failures = 0;
  #asking = false;
  #stopped = false;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  /** Send a ping, unless one has not been answered yet. */
  async ask(): Promise<void> {
    if (this.#asking || this.#stopped) return;
    const { check, clock, ping } = this.#parts;
    const begun = clock.mono();
    this.#asking = true;
    try {
      await within(clock, check.timeoutMs, ping(), () => noAnswer(check.timeoutMs));
      this.#answered();
    } catch (thrown) {
      this.#failed(HoldfastError.from(thrown), clock.mono() - begun);
    } finally {
      this.#asking = false;
    }
  }

  /** Any byte is life. */
  heard(): void {
    this.#failures = 0;
  }

  stop(): void {
    this.#stopped = true;
  }

  #answered(): void {
    if (this.#stopped) return;
    this.#failures = 0;
    this.#parts.alive();
  }

  #failed(failure: HoldfastError, tookMs: number): void {
    const { check, dead } = this.#parts;
    // Whoever slept through the deadline cannot blame the other side.
    if (this.#stopped || tookMs > check.timeoutMs + LATE_MS) return;
    this.#failures += 1;
    if (check.failures > 0 && this.#failures >= check.failures) dead(lost(failure, this.#failures));
  }
}

function noAnswer(timeoutMs: number): HoldfastError {
  return new HoldfastError({ code: "no_answer", message: `no answer to a ping within ${timeoutMs} ms` });
}

/** Whatever the health check says, the link may be made again: only a dial is told that it is refused. */
function lost(cause: HoldfastError, failures: number): HoldfastError {
  const message = `${failures} health checks in a row failed: ${cause.text}`;
  return new HoldfastError({ code: "unhealthy", message, hint: cause.hint, cause });
}
