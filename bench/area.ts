// What the benches of one area are to the command, and the words behind `npm run bench -- AREA…`.

export interface Options {
  /** A short look, after which the README stays as it is. */
  readonly quick: boolean;
  /** Parts to run; nothing: all. */
  readonly only: readonly string[] | undefined;
  /** Rounds, each with every way once. */
  readonly pairs: number;
  /** Ways of tunnels; nothing: all that are here. */
  readonly ways: readonly string[] | undefined;
  /** Hashed transfers beside the bulk; nothing: as many as the area likes. */
  readonly transfers: number | undefined;
}

export interface Part {
  readonly name: string;
  /** About how long it takes. */
  readonly seconds: number;
}

/** What the `main.ts` of an area exports. */
export interface Area {
  /** In their order. */
  readonly parts: (options: Options) => readonly Part[];
  /** @returns the exit code: 0 if it ran, 1 if something broke. @throws Error for options that it does not know. */
  readonly run: (options: Options) => Promise<number>;
}

const PAIRS = 9;
const QUICK_PAIRS = 2;

/** @throws Error for words that are not options. */
export function parseOptions(words: readonly string[]): Options {
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const name = words[i] ?? "";
    if (name === "--quick") given.set(name, "");
    else if (["--only", "--ways", "--pairs", "--transfers"].includes(name)) given.set(name, words[++i] ?? "");
    else throw new Error(`not an option: ${name}`);
  }
  const quick = given.has("--quick");
  return {
    quick,
    only: given.get("--only")?.split(","),
    pairs: count(given.get("--pairs")) ?? (quick ? QUICK_PAIRS : PAIRS),
    ways: given.get("--ways")?.split(","),
    transfers: count(given.get("--transfers")),
  };
}

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`not a number from 1: ${text}`);
  return value;
}

/** A whole run, with rounds enough for bounds: what it finds goes into the README. */
export function isWhole({ quick, only, pairs, ways }: Options): boolean {
  return !quick && only === undefined && ways === undefined && pairs >= PAIRS;
}

/** The parts of an area that are asked for. */
export function wantedParts<T extends string>(all: readonly T[], { only }: Options): readonly T[] {
  return only === undefined ? all : all.filter((name) => only.includes(name));
}

/** Run one part, and say how long it took. */
export async function timed<T>(part: string, run: () => T | Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await run();
  console.error(`${part}: took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  return result;
}
