// `npm run bench -- AREA [options]`: figures, as ratios to a baseline of the same run. Exit 0: it ran, whatever the
// figures say; 1: something broke; 2: wrong usage.
const AREAS: readonly string[] = ["tunnel", "herd"];

/** What the `main.ts` of an area exports. */
interface Bench {
  readonly run: (args: string[]) => Promise<number>;
}

const [area = "", ...args] = process.argv.slice(2);
if (AREAS.includes(area)) {
  const { run } = (await import(new URL(`./${area}/main.js`, import.meta.url).href)) as Bench;
  process.exitCode = await run(args);
} else {
  console.error(`usage: npm run bench -- ${AREAS.join("|")} [--quick]`);
  process.exitCode = 2;
}
