// How long a visitor waits: for the answer to a request in two writes, for a ping, for a new connection.
import { pause } from "../processes/condition.ts";
import type { Program } from "../processes/program.ts";
import type { Stage } from "./stage.ts";
import { Visitor } from "./visitor.ts";
import type { Address } from "./address.ts";
import { MODE, REQUEST_BYTES } from "./wire.ts";

/** Half a request, a pause, the other half: what SSH, databases and HTTP with a body do. */
const BETWEEN_WRITES_MS = 2;
const PING_BYTES = 64;

/** Milliseconds from the first write to the one answer. */
export async function splitWrites(way: Address, count: number): Promise<number[]> {
  const visitor = Visitor.dial(way);
  const half = Buffer.alloc(REQUEST_BYTES / 2, MODE.request);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    visitor.write(half);
    await pause(BETWEEN_WRITES_MS);
    visitor.write(half);
    await visitor.answer(1);
    times.push(performance.now() - startedAt);
  }
  visitor.close();
  return times;
}

/** Milliseconds from ping to echo. */
export async function pings(way: Address, count: number): Promise<number[]> {
  const visitor = Visitor.dial(way);
  const ping = Buffer.alloc(PING_BYTES, MODE.echo);
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push(await timePing(visitor, ping));
  visitor.close();
  return times;
}

async function timePing(visitor: Visitor, ping: Buffer): Promise<number> {
  const startedAt = performance.now();
  visitor.write(ping);
  await visitor.answer(ping.length);
  return performance.now() - startedAt;
}

/** The same for as long as another visitor of the same tunnel uploads. */
export async function pingsBesideUpload(stage: Stage, way: Address, seconds: number): Promise<number[]> {
  const visitor = Visitor.dial(way);
  const ping = Buffer.alloc(PING_BYTES, MODE.echo);
  await timePing(visitor, ping);
  const upload: Program = stage.own("load.js", ["up", way.host, String(way.port), "1", String(seconds)]);
  await upload.says(/begun/);
  const times: number[] = [];
  while (upload.running) times.push(await timePing(visitor, ping));
  visitor.close();
  if ((await upload.ended) !== 0) throw new Error(`\`${upload.name}\` failed:\n${upload.output}`);
  return times;
}

/** Milliseconds from connect to the echo of one byte, one visitor after another. */
export async function setUps(way: Address, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    await setUp(way);
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** Visitors a second, so many at once. */
export async function setUpsPerSecond(way: Address, count: number, atOnce: number): Promise<number> {
  let left = count;
  const startedAt = performance.now();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await setUp(way);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return (count * 1_000) / (performance.now() - startedAt);
}

async function setUp(way: Address): Promise<void> {
  const visitor = Visitor.dial(way);
  visitor.write(Buffer.from(MODE.echo));
  await visitor.answer(1);
  visitor.close();
}
