// `npm run bench -- AREA… [options]`: figures, as ratios to a baseline of the same run. Exit 0: it ran; 1: something
// broke, or a figure is missed where the bench is exact (`herd` is a model, not a clock); 2: wrong usage.
import { parseOptions, type Area, type Options } from "./area.ts";

const AREAS: Readonly<Record<string, () => Promise<Area>>> = {
  session: () => import("./session/main.ts"),
  tunnel: () => import("./tunnel/main.ts"),
  scale: () => import("./scale/main.ts"),
  herd: () => import("./herd/main.ts"),
};

const words = process.argv.slice(2);
const split = words.findIndex((word) => word.startsWith("-"));
const names = split < 0 ? words : words.slice(0, split);
// What a bench that broke has left open must not keep it.
process.exit(await main());

async function main(): Promise<number> {
  if (names.length === 0) return misused("no area");
  const areas: Area[] = [];
  for (const name of names) {
    const area = await AREAS[name]?.();
    if (area === undefined) return misused(`no area: ${name}`);
    areas.push(area);
  }
  let options: Options;
  try {
    options = parseOptions(split < 0 ? [] : words.slice(split));
    const known = new Set(areas.flatMap((area) => area.parts(options).map((part) => part.name)));
    const unknown = options.only?.find((name) => !known.has(name));
    if (unknown !== undefined) return misused(`${names.join(" ")} has no part ${unknown}`);
  } catch (error) {
    return misused((error as Error).message);
  }
  const chosen = areas.filter((area) => partsOf(area, options).length > 0);
  announce(chosen, options);
  let worst = 0;
  for (const area of chosen) worst = Math.max(worst, await area.run(options));
  return worst;
}

function partsOf(area: Area, options: Options): ReturnType<Area["parts"]> {
  return area.parts(options).filter(({ name }) => options.only?.includes(name) ?? true);
}

/** How long it will take. */
function announce(areas: readonly Area[], options: Options): void {
  const parts = areas.flatMap((area) => partsOf(area, options));
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);
  const each = parts.map((part) => `${part.name} ${Math.round(part.seconds)} s`);
  console.error(`about ${Math.ceil(seconds / 60)} minutes: ${each.join(", ")}`);
}

function misused(why: string): number {
  console.error(`${why}
usage: npm run bench -- ${Object.keys(AREAS).join("|")} … [options]
  --quick           a short look; the README stays as it is
  --only LIST       parts, as they are named at the start of a run; the README stays as it is
  --pairs N         rounds, each with every way once (9); with fewer the README stays as it is
  --ways LIST       of the tunnels; the README stays as it is
  --transfers N     hashed transfers of the tunnels (240)`);
  return 2;
}
