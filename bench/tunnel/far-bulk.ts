// One stream over a path of 100 ms, up and down: how fast it gets, and how soon, since a window has to grow for that.
// Visitor and service are in this process and look at every byte. The line is slower than any of the programs, so all
// ways are measured at the same time, each over a path of its own, and fresh in each round.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { pause, until } from "../processes/condition.ts";
import type { Ledger } from "./ledger.ts";
import { payload } from "./payload.ts";
import type { Stage } from "./stage.ts";
import { openWay, type Way, type WayName } from "./ways.ts";
import { LOOPBACK } from "./address.ts";

export const FAR_LINE = { roundTripMs: 100, bytesPerSecond: 25_000_000 } as const;
export const DIRECTIONS = ["up", "down"] as const;
export type Direction = (typeof DIRECTIONS)[number];

const STEP_MS = 100;
const FULL = 0.8;
/** What is sent again and again. */
const PERIOD = payload(7, 5_000_000);
const BLOCK_BYTES = 64 * 1_024;

/** Bytes a second over the last half of the time. */
export function farBulkFigure(direction: Direction): string {
  return `far bulk ${direction}`;
}

/** Milliseconds until it came at 80 % of the line's rate; endless if it never did. */
export function farFullFigure(direction: Direction): string {
  return `far bulk ${direction}, full after`;
}

interface FarBulkPlan {
  readonly rounds: number;
  readonly seconds: number;
  readonly ledger: Ledger;
}

/** @returns bytes that were looked at, all of them right. @throws Error at the first that is not. */
export async function measureFarBulk(
  onFreshStage: <T>(use: (stage: Stage) => Promise<T>) => Promise<T>,
  names: readonly WayName[],
  plan: FarBulkPlan,
): Promise<number> {
  let checked = 0;
  for (let round = 0; round < plan.rounds; round++) {
    checked += await onFreshStage(async (stage) => {
      const lanes = await Promise.all(names.map((name) => Lane.open(stage, name)));
      let bytes = 0;
      for (const direction of DIRECTIONS) {
        const found = await Promise.all(lanes.map((lane) => lane.carry(direction, plan.seconds)));
        for (const [index, each] of found.entries()) {
          const name = names[index];
          if (name === undefined) continue;
          plan.ledger.add(farBulkFigure(direction), name, each.rate);
          plan.ledger.add(farFullFigure(direction), name, each.fullAfterMs);
          bytes += each.bytes;
        }
      }
      for (const lane of lanes) lane.close();
      return bytes;
    });
  }
  return checked;
}

interface Carried {
  readonly bytes: number;
  readonly rate: number;
  readonly fullAfterMs: number;
}

/** A way, and the service at its end. */
class Lane {
  readonly #way: Way;
  readonly #server: Server;
  /** The one visitor's, once it is through. */
  #served: Socket | undefined;

  private constructor(way: Way, server: Server) {
    this.#way = way;
    this.#server = server;
    server.on("connection", (socket) => (this.#served = socket));
  }

  static async open(stage: Stage, name: WayName): Promise<Lane> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    const { port } = server.address() as AddressInfo;
    return new Lane(await openWay(stage, name, port, FAR_LINE), server);
  }

  async carry(direction: Direction, seconds: number): Promise<Carried> {
    this.#served = undefined;
    const { host, port, name } = this.#way;
    const visitor = connect({ host, port, noDelay: true });
    const startedAt = performance.now();
    const served = await until(`a visitor through ${name}`, () => this.#served);
    const [source, sink] = direction === "up" ? [visitor, served] : [served, visitor];
    for (const each of [source, sink]) each.on("error", () => each.destroy());
    const receiver = new Receiver(sink);
    send(source);
    const marks: Mark[] = [{ at: 0, bytes: 0 }];
    while (performance.now() - startedAt < seconds * 1_000) {
      await pause(STEP_MS);
      if (receiver.wrongAt !== undefined)
        throw new Error(`${name}, ${direction}: byte ${receiver.wrongAt} is wrong`);
      if (sink.destroyed) throw new Error(`${name}, ${direction}: ended after ${receiver.bytes} bytes`);
      marks.push({ at: performance.now() - startedAt, bytes: receiver.bytes });
    }
    for (const each of [source, sink]) each.destroy();
    return { bytes: receiver.bytes, ...read(marks) };
  }

  close(): void {
    this.#server.close();
  }
}

interface Mark {
  readonly at: number;
  readonly bytes: number;
}

function read(marks: readonly Mark[]): { rate: number; fullAfterMs: number } {
  const rateBetween = (from: number, to: number): number => {
    const [a, b] = [marks[from], marks[to]];
    return a === undefined || b === undefined ? 0 : ((b.bytes - a.bytes) * 1_000) / (b.at - a.at);
  };
  const last = marks.length - 1;
  const full = marks.findIndex(
    (_, index) => index > 0 && rateBetween(index - 1, index) >= FULL * FAR_LINE.bytesPerSecond,
  );
  return {
    rate: rateBetween(Math.floor(last / 2), last),
    fullAfterMs: full < 0 ? Infinity : (marks[full]?.at ?? Infinity),
  };
}

/** For as long as the socket is there. */
function send(socket: Socket): void {
  let at = 0;
  const more = (): void => {
    while (!socket.destroyed) {
      const block = PERIOD.subarray(at, at + BLOCK_BYTES);
      at = (at + block.length) % PERIOD.length;
      if (!socket.write(block)) return void socket.once("drain", more);
    }
  };
  more();
}

/** Counts, and compares each byte with what was sent. */
class Receiver {
  bytes = 0;
  wrongAt: number | undefined;

  constructor(socket: Socket) {
    socket.on("data", (piece: Buffer) => this.#take(piece));
  }

  #take(piece: Buffer): void {
    for (let at = 0; at < piece.length;) {
      const from = this.bytes % PERIOD.length;
      const length = Math.min(piece.length - at, PERIOD.length - from);
      if (PERIOD.compare(piece, at, at + length, from, from + length) !== 0) this.wrongAt ??= this.bytes;
      this.bytes += length;
      at += length;
    }
  }
}
