// Sessions against bare connections: `npm run bench -- session`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSection } from "../readme.ts";
import { Stage } from "../tunnel/stage.ts";
import { measureCore } from "./core.ts";
import { measureLongStream } from "./long-stream.ts";
import { report, type Findings } from "./report.ts";
import { measureResume } from "./resume.ts";
import { measureThroughput } from "./throughput.ts";

const USAGE = `usage: npm run bench -- session [options]
  --quick       a short look; the README stays as it is
  --only LIST   of throughput, resume, long, core; the README stays as it is`;

const SECTIONS = ["throughput", "resume", "long", "core"];

/** @returns the exit code: 0 if it ran, 1 if something broke, 2 for wrong usage. */
export async function run(args: string[]): Promise<number> {
  const quick = args.includes("--quick");
  const at = args.indexOf("--only");
  const sections = at < 0 ? SECTIONS : (args[at + 1] ?? "").split(",");
  const known = args.every((arg, i) => arg === "--quick" || arg === "--only" || (at >= 0 && i === at + 1));
  if (!known || !sections.every((section) => SECTIONS.includes(section))) {
    console.error(USAGE);
    return 2;
  }
  try {
    const findings = await measure(new Set(sections), quick);
    const text = report(findings, new Date());
    console.log(text);
    if (!quick && at < 0) writeSection("session", text);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

async function measure(wanted: ReadonlySet<string>, quick: boolean): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const stage = new Stage(folder);
  const rounds = quick ? 2 : 5;
  const transfers = quick ? 18 : 180;
  try {
    return {
      rounds,
      transfers,
      throughput: wanted.has("throughput")
        ? await measureThroughput(stage, { rounds, seconds: 1, transfers })
        : undefined,
      resume: wanted.has("resume")
        ? await measureResume(stage, { cuts: quick ? 10 : 50, wakes: quick ? 3 : 10, rounds: quick ? 1 : 4 })
        : undefined,
      long: wanted.has("long") ? await measureLongStream(stage, quick ? 1 : 3, 5) : undefined,
      core: wanted.has("core") ? measureCore(quick ? 0.5 : 2) : undefined,
    };
  } finally {
    await stage.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
