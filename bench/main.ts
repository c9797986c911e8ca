// `npm run bench -- AREA [options]`: figures, as ratios to a baseline of the same run. Exit 0: it ran; 1: something
// broke, or a figure is missed where the bench is exact (`herd` is a model, not a clock); 2: wrong usage.

/** What the `main.ts` of an area exports. */
interface Bench {
  readonly run: (args: string[]) => Promise<number>;
}

const AREAS: Readonly<Record<string, () => Promise<Bench>>> = {
  tunnel: () => import("./tunnel/main.ts"),
  herd: () => import("./herd/main.ts"),
};

const [area = "", ...args] = process.argv.slice(2);
const load = AREAS[area];
if (load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(AREAS).join("|")} [options]`);
  process.exitCode = 2;
} else {
  const { run } = await load();
  process.exitCode = await run(args);
}
