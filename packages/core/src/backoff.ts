// How long to wait: the schedule of an outage, its cap, and the jitter that keeps a herd apart.
import type { Config, Jitter } from "./config.ts";
import type { Random } from "./ports.ts";

/** A link that ended for reasons of its own, and not its peer's, retries within this. DESIGN rule 3. */
export const BLIP_MS = 250;

/** The most that is added to a wait that the peer asked for: a tenth of it, at most this. DESIGN rule 4. */
const HINT_SPREAD_MS = 1_000;

/**
 * The delay of place `index` (from 0) in the schedule, with `refusals` refusals without a hint so far: each
 * doubles the cap, up to `refusedMaxMs`, because a cap below (cost of a refusal × herd) never recovers.
 */
export function scheduled(config: Config, index: number, refusals: number, random: Random): number {
  return spread(config.jitter, rise(config, index), capOf(config, refusals), random);
}

/** The delay of a line that can only hope that the other end becomes itself again. */
export function atCap(config: Config, random: Random): number {
  return spread(config.jitter, config.maxMs, config.maxMs, random);
}

/** Never earlier than the peer asked for, and only a little later. */
export function hinted(hintMs: number, random: Random): number {
  return hintMs + random() * Math.min(hintMs / 10, HINT_SPREAD_MS);
}

function capOf(config: Config, refusals: number): number {
  return Math.min(config.maxMs * 2 ** refusals, config.refusedMaxMs);
}

function rise(config: Config, index: number): number {
  switch (config.strategy) {
    case "fixed":
      return config.initialMs;
    case "fibonacci":
      return config.initialMs * fibonacci(index + 1);
    case "exponential":
      return config.initialMs * config.factor ** index;
  }
}

function fibonacci(n: number): number {
  // Bounded: by the 90th number every cap has long been passed.
  let [a, b] = [0, 1];
  for (let i = 0; i < Math.min(n, 90); i++) [a, b] = [b, a + b];
  return a;
}

function spread(jitter: Jitter, riseMs: number, capMs: number, random: Random): number {
  const delayMs = Math.min(riseMs, capMs);
  switch (jitter.kind) {
    case "full":
      return random() * delayMs;
    case "equal":
      return delayMs / 2 + (random() * delayMs) / 2;
    case "proportional":
      return delayMs * (1 - jitter.ratio + 2 * jitter.ratio * random());
    case "additive": {
      const addedMs = random() * jitter.ms;
      return jitter.beforeCap ? Math.min(riseMs + addedMs, capMs) : delayMs + addedMs;
    }
    case "none":
      return delayMs;
  }
}
