// What a run of the herd says, and whether the default policy reaches what the design promises.
import type { HerdResult } from "./model.ts";

export interface Figures {
  /** Seconds after the relay is back, of all clients; `undefined`: never. */
  readonly t50: number | undefined;
  readonly t99: number | undefined;
  readonly t100: number | undefined;
  readonly attempts: number;
  readonly wasted: number;
  readonly peak: number;
  readonly gaveUp: number;
}

export function figuresOf(result: HerdResult): Figures {
  const { backAt, clients } = result;
  const at = (share: number): number | undefined => backAt[Math.ceil(share * clients) - 1];
  return {
    t50: at(0.5),
    t99: at(0.99),
    t100: at(1),
    attempts: result.attempts / clients,
    wasted: result.wasted / clients,
    peak: result.peak,
    gaveUp: result.gaveUp / clients,
  };
}

/** The worst of several runs, figure by figure. */
export function worst(runs: readonly Figures[]): Figures {
  const most = (of: (figures: Figures) => number): number => Math.max(...runs.map(of));
  const latest = (of: (figures: Figures) => number | undefined): number | undefined => {
    const time = most((figures) => of(figures) ?? Infinity);
    return time === Infinity ? undefined : time;
  };
  return {
    t50: latest(({ t50 }) => t50),
    t99: latest(({ t99 }) => t99),
    t100: latest(({ t100 }) => t100),
    attempts: most(({ attempts }) => attempts),
    wasted: most(({ wasted }) => wasted),
    peak: most(({ peak }) => peak),
    gaveUp: most(({ gaveUp }) => gaveUp),
  };
}

const MAX_DELAY_SECONDS = 10;

/** What is missed of: 99 % within max(1.1 N/C, max delay + 1 s), all within 1.13 or the same, 1.1 wasted attempts. */
export function missed(figures: Figures, capacitySeconds: number): readonly string[] {
  const floor = MAX_DELAY_SECONDS + 1;
  const within = (name: string, value: number | undefined, limit: number): string[] =>
    value !== undefined && value <= limit
      ? []
      : [`${name} is ${shown(value)}, not within ${limit.toFixed(1)} s`];
  return [
    ...within("t99", figures.t99, Math.max(1.1 * capacitySeconds, floor)),
    ...within("t100", figures.t100, Math.max(1.13 * capacitySeconds, floor)),
    ...(figures.wasted <= 1.1 ? [] : [`${figures.wasted.toFixed(2)} wasted attempts a client`]),
    ...(figures.gaveUp === 0 ? [] : ["some gave up"]),
  ];
}

export function shown(seconds: number | undefined): string {
  return seconds === undefined ? "never" : seconds.toFixed(1);
}
