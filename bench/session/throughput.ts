// Sessions against bare connections of the same kind: in each round every test goes both ways one right after the
// other, in changing order, each in a fresh process that first warms up.
import type { Stage } from "../tunnel/stage.ts";
import { environmentOf, KINDS, transportOf, type How, type Kind } from "./kinds.ts";

export const TESTS = ["bulk 1", "bulk 8", "small"] as const;
export type Test = (typeof TESTS)[number];

export interface ThroughputPlan {
  readonly rounds: number;
  readonly seconds: number;
  /** Hashed transfers over each kind of link. */
  readonly transfers: number;
}

/** One for each round. */
export interface Pair {
  /** Bytes a second. */
  readonly bare: number;
  readonly session: number;
}

/** By test and kind. */
export type Throughput = ReadonlyMap<string, readonly Pair[]>;

export function throughputKey(test: Test, kind: Kind): string {
  return `${test}, ${kind}`;
}

export async function measureThroughput(stage: Stage, plan: ThroughputPlan): Promise<Throughput> {
  const found = new Map<string, Pair[]>();
  for (const kind of KINDS) {
    const server = await Server.start(stage, kind);
    await server.runHashed(plan.transfers);
    for (let round = 0; round < plan.rounds; round++) {
      for (const test of TESTS) {
        const key = throughputKey(test, kind);
        found.set(key, [...(found.get(key) ?? []), await server.pair(test, plan.seconds, round % 2 === 0)]);
      }
    }
    console.error(`measured ${kind}`);
    await server.stop();
  }
  return found;
}

class Server {
  readonly #stage: Stage;
  readonly #kind: Kind;
  readonly #program: ReturnType<Stage["run"]>;
  readonly #ports: Readonly<Record<How, string>>;
  #runs = 0;

  private constructor(
    stage: Stage,
    kind: Kind,
    program: ReturnType<Stage["run"]>,
    ports: Record<How, string>,
  ) {
    this.#stage = stage;
    this.#kind = kind;
    this.#program = program;
    this.#ports = ports;
  }

  static async start(stage: Stage, kind: Kind): Promise<Server> {
    const program = stage.run("session/server.js", [transportOf(kind), stage.folder], environmentOf(kind));
    const [, bare = "", session = ""] = await program.says(/bare (\d+) session (\d+)/);
    return new Server(stage, kind, program, { bare, session });
  }

  async stop(): Promise<void> {
    await this.#program.kill();
  }

  async pair(test: Test, seconds: number, bareFirst: boolean): Promise<Pair> {
    const rates: Record<How, number> = { bare: 0, session: 0 };
    for (const how of bareFirst ? (["bare", "session"] as const) : (["session", "bare"] as const)) {
      rates[how] = await this.#rate(how, test, seconds);
    }
    return rates;
  }

  async runHashed(count: number): Promise<void> {
    await this.#client("session", "hashed", count);
  }

  async #rate(how: How, test: Test, seconds: number): Promise<number> {
    await this.#client(how, test, seconds);
    // The first of the two warmed up.
    this.#runs += 2;
    const line = await this.#program.says(new RegExp(`run ${this.#runs}: (\\d+) bytes in ([\\d.]+) ms`));
    return (Number(line[1]) * 1_000) / Number(line[2]);
  }

  async #client(how: How, test: Test | "hashed", amount: number): Promise<void> {
    const args = [transportOf(this.#kind), how, this.#ports[how], test, String(amount)];
    const client = this.#stage.run("session/client.js", args, environmentOf(this.#kind));
    await client.says(/^done/m, 60_000);
    if ((await client.ended) !== 0) throw new Error(`\`${client.name}\` failed:\n${client.output}`);
  }
}
