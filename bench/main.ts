// `npm run bench -- AREA… [options]`: figures, as ratios to a baseline of the same run. Exit 0: it ran; 1: something
// broke, or a figure is missed where the bench is exact (`herd` is a model, not a clock); 2: wrong usage.

/** What the `main.ts` of an area exports. */
interface Bench {
  readonly run: (args: string[]) => Promise<number>;
}

const AREAS: Readonly<Record<string, () => Promise<Bench>>> = {
  session: () => import("./session/main.ts"),
  tunnel: () => import("./tunnel/main.ts"),
  scale: () => import("./scale/main.ts"),
  herd: () => import("./herd/main.ts"),
};

const words = process.argv.slice(2);
const split = words.findIndex((word) => word.startsWith("-"));
const areas = split < 0 ? words : words.slice(0, split);
const options = split < 0 ? [] : words.slice(split);
if (areas.length === 0 || areas.some((area) => AREAS[area] === undefined)) {
  console.error(`usage: npm run bench -- ${Object.keys(AREAS).join("|")} … [options]`);
  process.exitCode = 2;
} else {
  // What a bench that broke has left open must not keep it.
  process.exit(await runAll(areas, options));
}

/** One after another, all of them; the options are for each. */
async function runAll(names: readonly string[], args: string[]): Promise<number> {
  let worst = 0;
  for (const name of names) {
    const bench = await AREAS[name]?.();
    worst = Math.max(worst, (await bench?.run(args)) ?? 2);
  }
  return worst;
}
