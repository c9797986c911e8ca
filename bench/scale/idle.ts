// Ten thousand visitors who say nothing, over ten clients of one relay: what they take of memory and processor while
// they wait, and whether they are still served afterwards.
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { pause } from "../processes/condition.ts";
import type { Memory, Program } from "../processes/program.ts";
import { number, table } from "../table.ts";
import { LOOPBACK } from "../tunnel/address.ts";
import { startHoldfastClient, startRelayAgain } from "../tunnel/holdfast-way.ts";
import { settled, sum } from "../tunnel/memory.ts";
import type { Stage } from "../tunnel/stage.ts";
import { MODE } from "../tunnel/wire.ts";
import { atLeast } from "./verdict.ts";

export const VISITORS = 10_000;
const CLIENTS = 10;
const IDLE_MS = 10_000;
const AT_ONCE = 100;
const SAMPLE = 1_000;
const ANSWER_MS = 20_000;
/** Of files: what a process has open besides its visitors. */
const SPARE_FILES = 500;
const TICKS_PER_SECOND = 100;

export async function measureIdle(stage: Stage, wanted: number): Promise<string> {
  if (process.platform !== "linux") return "### Idle visitors\n\nNot measured: memory is read from /proc.";
  const [visitorCount, why] = asManyAsFit(wanted);
  if (why !== "") console.error(why);
  const [, target] = await stage.own("service.js").says(/port (\d+)/);
  const relay = await startRelayAgain(stage);
  const starts = Array.from({ length: CLIENTS }, () =>
    startHoldfastClient(stage, relay, "native", [Number(target)]),
  );
  const tunnels = await Promise.all(starts);
  const clients = tunnels.map(({ client }) => client);
  const ports = tunnels.map((tunnel) => tunnel.ports[0] ?? 0);
  const before = await takenBy(relay.program, clients);
  const startedAt = performance.now();
  const visitors = await openVisitors(visitorCount, ports);
  const openedInMs = performance.now() - startedAt;
  const after = await takenBy(relay.program, clients);
  const ticks = await idleTicks([relay.program, ...clients]);
  const sample = visitors.filter((_, index) => index % Math.ceil(visitors.length / SAMPLE) === 0);
  const answered = await countAnswers(sample);
  for (const visitor of visitors) visitor.close();
  return report({
    wanted,
    visitors: visitors.length,
    why,
    openedInMs,
    before,
    after,
    ticks,
    sample,
    answered,
  });
}

/** The relay, the service and this process have a file for each visitor. Node takes what the hard limit allows. */
function asManyAsFit(wanted: number): readonly [count: number, why: string] {
  const [, hard = ""] = /Max open files +\S+ +(\S+)/.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  const most = hard === "unlimited" ? Infinity : Number(hard) - SPARE_FILES;
  if (wanted <= most) return [wanted, ""];
  return [most, `only ${most} visitors and not ${wanted}: a process may open ${hard} files (ulimit -Hn)`];
}

interface Taken {
  readonly relay: Memory;
  readonly clients: Memory;
}

async function takenBy(relay: Program, clients: readonly Program[]): Promise<Taken> {
  const [ofRelay, ...ofClients] = await settled([relay, ...clients]);
  return { relay: sum(ofRelay === undefined ? [] : [ofRelay]), clients: sum(ofClients) };
}

/** Processor time of all of them while nothing happens, in ticks of the system. */
async function idleTicks(programs: readonly Program[]): Promise<number> {
  const used = (): number => programs.reduce((total, program) => total + program.cpuSeconds(), 0);
  const before = used();
  // Part of the measurement: how long nothing happens.
  await pause(IDLE_MS);
  return Math.round((used() - before) * TICKS_PER_SECOND);
}

/** So many at a time, over all tunnels in turn. @throws Error if one has no answer. */
async function openVisitors(count: number, ports: readonly number[]): Promise<IdleVisitor[]> {
  // At most `count`.
  const all: IdleVisitor[] = [];
  const lane = async (): Promise<void> => {
    while (all.length < count) {
      const index = all.length;
      const visitor = new IdleVisitor(ports[index % ports.length] ?? 0, index);
      all.push(visitor);
      await visitor.ask();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return all;
}

async function countAnswers(sample: readonly IdleVisitor[]): Promise<number> {
  const answers = await Promise.allSettled(sample.map((visitor) => visitor.ask()));
  const failed = answers.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") console.error(failed.reason);
  return answers.filter(({ status }) => status === "fulfilled").length;
}

/** Asks with its own number, so that no other visitor's answer will do. */
class IdleVisitor {
  readonly #socket: Socket;
  readonly #question: Buffer;
  /** At most one question's length. */
  #answer: Buffer = Buffer.alloc(0);
  #look: () => void = () => undefined;
  #lost: Error | undefined;

  constructor(port: number, index: number) {
    this.#question = Buffer.from(`${MODE.echo}${String(index).padStart(6, "0")}`);
    this.#socket = connect({ host: LOOPBACK, port, noDelay: true });
    this.#socket.on("data", (piece: Buffer) => {
      this.#answer = Buffer.concat([this.#answer, piece]);
      this.#look();
    });
    this.#socket.on("error", (error) => (this.#lost = error));
    this.#socket.on("close", () => {
      this.#lost ??= new Error(`visitor ${index} was cut off`);
      this.#look();
    });
  }

  /** @throws Error if the answer is another one, or does not come. */
  ask(): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => {
        this.#lost = new Error(`no answer within ${ANSWER_MS} ms`);
        this.#look();
      }, ANSWER_MS);
      this.#look = () => {
        if (this.#lost === undefined && this.#answer.length < this.#question.length) return;
        clearTimeout(patience);
        this.#look = () => undefined;
        const right = this.#answer.equals(this.#question);
        this.#answer = Buffer.alloc(0);
        if (right) resolve();
        else reject(this.#lost ?? new Error("another visitor's answer"));
      };
      this.#socket.write(this.#question);
      this.#look();
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

interface Idle {
  readonly wanted: number;
  readonly visitors: number;
  readonly why: string;
  readonly openedInMs: number;
  readonly before: Taken;
  readonly after: Taken;
  readonly ticks: number;
  readonly sample: readonly unknown[];
  readonly answered: number;
}

function report({ wanted, visitors, why, openedInMs, before, after, ticks, sample, answered }: Idle): string {
  const MEBI = 2 ** 20;
  const row = (what: string, measured: string): string[] => [what, measured, "", ""];
  const pair = ({ resident, anonymous }: Memory, unit: number): string =>
    `${number(resident / unit, 1)} / ${number(anonymous / unit, 1)}`;
  const each = (of: keyof Taken): string =>
    pair(
      {
        resident: (after[of].resident - before[of].resident) / visitors,
        anonymous: (after[of].anonymous - before[of].anonymous) / visitors,
      },
      1_024,
    );
  const share = ticks / TICKS_PER_SECOND / (IDLE_MS / 1_000);
  const rows = [
    [`visitors, over ${CLIENTS} clients`, ...atLeast(visitors, wanted)],
    row("all open after, s", number(openedInMs / 1_000, 1)),
    row("relay before and with them, MiB", `${pair(before.relay, MEBI)}, ${pair(after.relay, MEBI)}`),
    row(
      "all clients before and with them, MiB",
      `${pair(before.clients, MEBI)}, ${pair(after.clients, MEBI)}`,
    ),
    row("relay for each visitor, KiB", each("relay")),
    row("clients for each visitor, KiB", each("clients")),
    row(
      `processor of relay and clients in ${IDLE_MS / 1_000} s, ticks of 10 ms`,
      `${ticks} (${number(100 * share, 1)} % of a core)`,
    ),
    [`of ${sample.length} asked afterwards have their answer`, ...atLeast(answered, sample.length)],
  ];
  return [
    "### Idle visitors",
    `Each asks once, and then says nothing. Memory: resident / of it anonymous, without the kernel's part; no figure is set for it.${why === "" ? "" : ` Here ${why}.`}`,
    table(["", "measured", "to reach", ""], rows),
  ].join("\n\n");
}
