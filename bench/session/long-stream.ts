// One stream down a path of 100 ms and 200 Mbit/s: how fast it gets, and how soon, beside a bare connection.
import { freePort } from "../processes/free-port.ts";
import { pause } from "../processes/condition.ts";
import type { Stage } from "../tunnel/stage.ts";
import { dial } from "./dial.ts";
import type { How } from "./kinds.ts";
import { MODE } from "./kinds.ts";

export const LINE_BYTES_PER_SECOND = 25_000_000;
export const LONG_ROUND_TRIP_MS = 100;
const STEP_MS = 100;
const FULL = 0.8;

export interface LongStream {
  /** Bytes a second over the last half of the time. */
  readonly rate: number;
  /** Until it came at 80 % of the line's rate, in milliseconds from the request; `undefined`: never. */
  readonly fullAfterMs: number | undefined;
}

export async function measureLongStream(
  stage: Stage,
  rounds: number,
  seconds: number,
): Promise<Record<How, LongStream[]>> {
  const server = stage.run("session/server.js", ["tcp", stage.folder]);
  const [, bare, session] = await server.says(/bare (\d+) session (\d+)/);
  const found: Record<How, LongStream[]> = { bare: [], session: [] };
  for (let round = 0; round < rounds; round++) {
    for (const how of ["bare", "session"] as const) {
      const near = await freePort();
      const target = how === "bare" ? bare : session;
      const args = [
        String(near),
        String(target),
        String(LONG_ROUND_TRIP_MS / 2),
        String(LINE_BYTES_PER_SECOND),
      ];
      const path = stage.run("processes/long-path.js", args);
      await path.says(/ready/);
      found[how].push(await one(how, near, seconds));
      await path.kill();
    }
  }
  return found;
}

async function one(how: How, port: number, seconds: number): Promise<LongStream> {
  const dialled = await dial("tcp", how, port);
  const pipe = await dialled.open();
  let bytes = 0;
  pipe.onBytes((piece) => void (bytes += piece.length));
  const startedAt = performance.now();
  pipe.write(Buffer.from(MODE.source));
  const marks: { readonly at: number; readonly bytes: number }[] = [{ at: 0, bytes: 0 }];
  while (performance.now() - startedAt < seconds * 1_000) {
    await pause(STEP_MS);
    marks.push({ at: performance.now() - startedAt, bytes });
  }
  const rateBetween = (from: number, to: number): number => {
    const [a, b] = [marks[from], marks[to]];
    return a === undefined || b === undefined ? 0 : ((b.bytes - a.bytes) * 1_000) / (b.at - a.at);
  };
  const full = marks.findIndex((_, i) => i > 0 && rateBetween(i - 1, i) >= FULL * LINE_BYTES_PER_SECOND);
  const last = marks.length - 1;
  // The source never ends: the other end is let go.
  await dialled.stop();
  return {
    rate: rateBetween(Math.floor(last / 2), last),
    fullAfterMs: full < 0 ? undefined : marks[full]?.at,
  };
}
