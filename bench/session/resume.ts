// What a cut costs: the time until bytes flow again, by itself and after a wake signal over a long path, and what is
// left of the throughput when the link is cut again and again.
import type { WakeSource } from "@holdfast/net";
import type { SessionLine } from "@holdfast/net/session";
import { startFaultyProxy } from "@holdfast/net/testing";
import { pause, until } from "../processes/condition.ts";
import { freePort } from "../processes/free-port.ts";
import { payload } from "../tunnel/payload.ts";
import { alongPath } from "../tunnel/path.ts";
import type { Stage } from "../tunnel/stage.ts";
import { dialOf, openStream, sessionOf, sessionTo } from "./dial.ts";
import { MODE } from "./kinds.ts";
import type { Pipe } from "./pipe.ts";

const LOOPBACK = "127.0.0.1";
const PING = Buffer.alloc(64, MODE.echo);
const BETWEEN_CUTS_MS = 300;
/** More dials in ten seconds are never made. */
const MOST_CUTS = 8;
const BLOCK = payload(0, 64 * 1_024);

export interface ResumeFigures {
  /** From the cut to the next echo, in milliseconds; the first redial comes within 250. */
  readonly afterCut: readonly number[];
  /** From the wake signal until bytes flow, by transport, in milliseconds, over a round trip of `ROUND_TRIP_MS`. */
  readonly afterWake: ReadonlyMap<string, readonly number[]>;
  readonly underCuts: readonly UnderCuts[];
}

/** One stream at full speed, whose link is cut every 300 ms and woken at once. */
export interface UnderCuts {
  readonly path: string;
  /** Bytes a second, over those without cuts; one for each round. */
  readonly shares: readonly number[];
  /** From the wake signal until the session is on its next link. */
  readonly resumedMs: readonly number[];
  readonly cuts: number;
  readonly replayedBytes: number;
}

/** How links are dialled, and the round trips of each until bytes flow; over TLS a resumed one saves none. */
export const WAKE_ROUND_TRIPS: ReadonlyMap<string, number> = new Map([
  ["tcp", 2],
  ["tls", 3],
  ["ws", 3],
  ["wss", 4],
]);

export const ROUND_TRIP_MS = 20;

export async function measureResume(stage: Stage, counts: ResumeCounts): Promise<ResumeFigures> {
  const port = await startServer(stage, "tcp");
  const afterCut = await cutAgainAndAgain(port, counts.cuts);
  const afterWake = new Map<string, number[]>();
  for (const transport of WAKE_ROUND_TRIPS.keys()) {
    afterWake.set(transport, await wakeAgainAndAgain(stage, transport, counts.wakes));
  }
  const underCuts = [
    await cutUnderLoad("loopback", port, counts.rounds),
    await cutUnderLoad(`${ROUND_TRIP_MS} ms`, await farFrom(stage, port), counts.rounds),
  ];
  return { afterCut, afterWake, underCuts };
}

/** A port at the near end of a path of `ROUND_TRIP_MS`. */
async function farFrom(stage: Stage, port: number): Promise<number> {
  const { port: near } = await alongPath(stage, { roundTripMs: ROUND_TRIP_MS }, { host: LOOPBACK, port });
  return near;
}

async function cutUnderLoad(path: string, port: number, rounds: number): Promise<UnderCuts> {
  const shares: number[] = [];
  const resumedMs: number[] = [];
  let replayedBytes = 0;
  for (let round = 0; round < rounds; round++) {
    const whole = await throughput(port, 0);
    const cut = await throughput(port, MOST_CUTS);
    shares.push(cut.rate / whole.rate);
    replayedBytes += cut.replayedBytes;
    resumedMs.push(...cut.resumed);
  }
  return { path, shares, resumedMs, cuts: rounds * MOST_CUTS, replayedBytes };
}

export interface ResumeCounts {
  readonly cuts: number;
  readonly wakes: number;
  readonly rounds: number;
}

async function startServer(stage: Stage, transport: string): Promise<number> {
  const server = stage.run("session/server.js", [transport, stage.folder]);
  const [, port] = await server.says(/session (\d+)/);
  return Number(port);
}

/** The proxy of the tests cuts with a reset, at once. Five lines take turns, as a line may dial only so often. */
async function cutAgainAndAgain(port: number, cuts: number): Promise<number[]> {
  const LINES = 5;
  const lane = async (): Promise<number[]> => {
    await using proxy = await startFaultyProxy({ target: { host: LOOPBACK, port } });
    const near = "port" in proxy.endpoint ? proxy.endpoint.port : 0;
    // Each cut is the first after a good time, not the next one of a bad one.
    const line = sessionTo(dialOf("tcp", near), { stableAfterMs: STABLE_MS });
    await line.line.ready();
    const echo = new Echo(openStream(line));
    await echo.ping();
    const times: number[] = [];
    for (let cut = 0; cut < cuts / LINES; cut++) {
      await pause(BETWEEN_DIALS_MS);
      proxy.cut();
      times.push(await echo.ping());
    }
    await line.close();
    return times;
  };
  return (await Promise.all(Array.from({ length: LINES }, lane))).flat();
}

/** Ten dials in ten seconds, and no more. */
const BETWEEN_DIALS_MS = 1_100;
const STABLE_MS = 500;
const PATIENCE_MS = 30_000;

const FIRST_EPOCH = 1;
const MOST_TRIES = 5;

async function wakeAgainAndAgain(stage: Stage, transport: string, count: number): Promise<number[]> {
  const port = await startServer(stage, transport === "wss" ? "tls" : transport);
  const near = await freePort();
  const path = ["processes/long-path.js", [String(near), String(port), String(ROUND_TRIP_MS / 2)]] as const;
  const times: number[] = [];
  for (let tried = 0; times.length < count; tried++) {
    if (tried === count * MOST_TRIES) throw new Error(`${transport}: always back before it was woken`);
    const before = stage.run(...path);
    await before.says(/ready/);
    const alarm = new Alarm();
    const line = sessionTo(dialOf(transport, near), { wakes: [alarm.source] });
    await line.line.ready();
    const echo = new Echo(openStream(line));
    await echo.ping();
    await before.kill();
    const after = stage.run(...path);
    await after.says(/ready/);
    await until(
      "a line that waits, or is back",
      () => isWaiting(line) || line.line.status.epoch > FIRST_EPOCH,
    );
    // It may be back by itself in the moment before; that tells nothing.
    if (isWaiting(line)) {
      alarm.ring();
      // The echo's way back and forth is not part of it.
      times.push((await echo.ping()) - ROUND_TRIP_MS);
    }
    await line.close();
    await after.kill();
  }
  return times;
}

function isWaiting(line: SessionLine): boolean {
  const { status } = line.line;
  return status.state === "reconnecting" && status.phase === "waiting";
}

interface Loaded {
  readonly rate: number;
  readonly replayedBytes: number;
  readonly resumed: readonly number[];
}

async function throughput(port: number, cuts: number): Promise<Loaded> {
  const alarm = new Alarm();
  await using proxy = await startFaultyProxy({ target: { host: LOOPBACK, port } });
  const near = "port" in proxy.endpoint ? proxy.endpoint.port : 0;
  const line = sessionTo(dialOf("tcp", near), { wakes: [alarm.source] });
  await line.line.ready();
  const pipe = openStream(line);
  pipe.onBytes(() => undefined);
  pipe.write(Buffer.from(MODE.sink));
  let stopped = false;
  const more = (): void => {
    while (!stopped && pipe.write(BLOCK));
  };
  pipe.onRoom(more);
  more();
  await pause(BETWEEN_CUTS_MS);
  const session = sessionOf(line);
  const acked = (): number => session.figures.sentBytes - session.figures.unackedBytes;
  const [from, startedAt] = [acked(), performance.now()];
  const resumed: number[] = [];
  for (let i = 0; i < MOST_CUTS; i++) {
    if (i < cuts) {
      const { epoch } = line.line.status;
      proxy.cut();
      // Or it is back already.
      await until("the loss", () => line.line.status.state !== "connected" || line.line.status.epoch > epoch);
      // What is asked here is what the replay costs, not how long a line waits.
      alarm.ring();
      const rungAt = performance.now();
      for await (const status of line.line.changes()) {
        if (status.state === "connected" && status.epoch > epoch) break;
      }
      resumed.push(performance.now() - rungAt);
    }
    await pause(BETWEEN_CUTS_MS);
  }
  const rate = (acked() - from) / (performance.now() - startedAt);
  const { replayedBytes } = session.figures;
  stopped = true;
  await line.close();
  return { rate, replayedBytes, resumed };
}

/** A wake signal that is given by hand. */
class Alarm {
  ring: () => void = () => undefined;
  readonly source: WakeSource = (signal) => {
    this.ring = () => signal("user");
    return () => undefined;
  };
}

class Echo {
  readonly #pipe: Pipe;
  #waiting = 0;
  #resolve: () => void = () => undefined;

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
    pipe.onBytes((bytes) => {
      this.#waiting -= bytes.length;
      if (this.#waiting === 0) this.#resolve();
    });
  }

  /** @returns milliseconds. */
  async ping(): Promise<number> {
    const startedAt = performance.now();
    this.#waiting += PING.length;
    this.#pipe.write(PING);
    await new Promise<void>((resolve, reject) => {
      const patience = setTimeout(reject, PATIENCE_MS, new Error(`no echo within ${PATIENCE_MS} ms`));
      this.#resolve = () => {
        clearTimeout(patience);
        resolve();
      };
    });
    return performance.now() - startedAt;
  }
}
