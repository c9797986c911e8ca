// A relay with many at once: thousands of clients, ten thousand visitors: `npm run bench -- scale`.
import { isWhole, timed, wantedParts, type Options, type Part } from "../area.ts";
import { withFolder } from "../processes/work-folder.ts";
import { writeSection } from "../readme.ts";
import { machineLine } from "../table.ts";
import { Stage } from "../tunnel/stage.ts";
import { measureIdle, VISITORS } from "./idle.ts";
import { CLIENTS, measureReturn } from "./return.ts";

const SECTIONS = ["return", "idle"] as const;
type Section = (typeof SECTIONS)[number];

const SECONDS: Readonly<Record<Section, number>> = { return: 50, idle: 45 };
const QUICK = 10;

export function parts({ quick }: Options): readonly Part[] {
  return SECTIONS.map((name) => ({ name, seconds: quick ? SECONDS[name] / 2 : SECONDS[name] }));
}

/** @returns the exit code: 0 if it ran, whatever the figures say; 1 if something broke. */
export async function run(options: Options): Promise<number> {
  const less = options.quick ? QUICK : 1;
  const measure: Readonly<Record<Section, (stage: Stage) => Promise<string>>> = {
    return: (stage) => measureReturn(stage, CLIENTS / less),
    idle: (stage) => measureIdle(stage, VISITORS / less),
  };
  try {
    const texts = [machineLine(new Date())];
    for (const name of wantedParts(SECTIONS, options)) {
      texts.push(await timed(name, () => withFolder((folder) => onStage(folder, measure[name]))));
    }
    const text = texts.join("\n\n");
    console.log(text);
    if (isWhole(options)) writeSection("scale", text);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

async function onStage<T>(folder: string, use: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = new Stage(folder);
  try {
    return await use(stage);
  } finally {
    await stage.end();
  }
}
