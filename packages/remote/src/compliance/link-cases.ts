// The link itself: that it answers, that its end is told once and to everybody, and that links do not disturb each other.
import type { Duplex } from "node:stream";
import type { Machine } from "../plugin/machine.ts";
import type { Plugin } from "../plugin/plugin.ts";
import type { Process } from "../plugin/process.ts";
import { demand, demandSame, failure, sleep, soon, until, watchText } from "./demands.ts";
import { echo, openService } from "./far-ports.ts";
import type { Stage } from "./plugin-arena.ts";
import type { PluginCase } from "./plugin-case.ts";
import { runProcess } from "./run-process.ts";

/** How long something that is to happen at once may take on a busy machine. */
const AT_ONCE_MS = 2_000;

const has = (plugin: Plugin, ability: keyof Plugin["abilities"]): boolean =>
  plugin.abilities[ability] === true;

/** Everything that a link can have under way. */
interface UnderWay {
  readonly process: Process | undefined;
  readonly stream: Duplex | undefined;
  /** Resolves with the error that destroyed each stream; `undefined` where there was none. */
  readonly errors: readonly Promise<unknown>[];
  release(): Promise<void>;
}

async function start({ machine, arena }: Stage): Promise<UnderWay> {
  const { plugin } = arena;
  const service = await openService(arena, echo);
  const process = has(plugin, "processes")
    ? await soon(machine.start({ command: ["sh", "-c", "echo ready; exec sleep 600"] }), "a process")
    : undefined;
  if (process !== undefined) {
    const text = watchText(process.stdout);
    await until(() => text().includes("ready"), "the process");
  }
  const stream = has(plugin, "forward")
    ? await soon(machine.connectTcp(service.host, service.port), "a connection")
    : undefined;
  if (has(plugin, "reverse_forward")) await soon(machine.listenTcp("127.0.0.1", 0, echo), "a far port");
  stream?.resume();
  process?.stderr.resume();
  const streams = [process?.stdin, process?.stdout, process?.stderr, stream].filter(
    (one) => one !== undefined,
  );
  const errors = streams.map((one) => {
    return new Promise((resolve) => one.once("error", resolve).once("close", () => resolve(undefined)));
  });
  return { process, stream, errors, release: () => service.close() };
}

/** Each is to end: the streams with `link_lost`, the process's end unknown. */
async function demandLost({ process, stream, errors }: UnderWay): Promise<void> {
  if (process !== undefined)
    await failure(process.ended, "link_lost", "the end of a process whose link ended");
  for (const one of [process?.stdin, process?.stdout, process?.stderr, stream]) {
    if (one !== undefined) await until(() => one.destroyed, "a stream to be destroyed");
  }
  for (const error of await soon(Promise.all(errors), "the streams' errors")) {
    const { code } = (error ?? {}) as { code?: unknown };
    demand(code === "link_lost", `a stream ended with ${String(error)}, not with link_lost`);
  }
}

/** Ask for one of each. */
function askAll(plugin: Plugin, machine: Machine): readonly (readonly [what: string, Promise<unknown>])[] {
  const asked: [string, Promise<unknown>][] = [["ping", machine.ping()]];
  if (has(plugin, "system_info")) asked.push(["systemInfo", machine.systemInfo()]);
  if (has(plugin, "processes")) asked.push(["start", machine.start({ command: ["true"] })]);
  if (has(plugin, "forward")) asked.push(["connectTcp", machine.connectTcp("127.0.0.1", 9)]);
  if (has(plugin, "reverse_forward")) asked.push(["listenTcp", machine.listenTcp("127.0.0.1", 0, echo)]);
  if (!has(plugin, "files")) return asked;
  const { files } = machine;
  asked.push(
    ["read", files.read("/etc/passwd")],
    ["write", files.write("/no/such/folder", new Uint8Array(1))],
    ["stat", files.stat("/")],
    ["list", files.list("/usr")],
    ["makeDirectory", files.makeDirectory("/no/such/folder")],
    ["remove", files.remove("/no/such/folder")],
    ["rename", files.rename("/no/such/folder", "/no/such")],
    ["exists", files.exists("/")],
  );
  return asked;
}

/** After the end of a link everything is refused at once. */
async function demandGone({ arena, machine }: Stage): Promise<void> {
  for (const [what, promise] of askAll(arena.plugin, machine)) {
    await failure(promise, "not_connected", `${what} after the link's end`, AT_ONCE_MS);
  }
}

/** What is asked in the same breath as the end settles all the same: done, failed by itself, or lost. */
async function demandSettled(asked: ReturnType<typeof askAll>): Promise<void> {
  for (const [what, promise] of asked) {
    await soon(
      promise.catch(() => undefined),
      `${what}, asked just before the link's end,`,
    );
  }
}

const closeCases: Readonly<Record<string, PluginCase["run"]>> = {
  "a ping is answered": async ({ machine, attempt }) => {
    for (let i = 0; i < 3; i++) {
      const before = attempt.heardCount;
      await soon(machine.ping(), "a ping");
      demand(attempt.heardCount > before, "the answer to a ping was not reported as heard");
    }
    demandSame(attempt.losses.length, 0, "losses of a link that is up");
  },
  "close ends all that the link started, quietly": async (stage) => {
    const underWay = await start(stage);
    const asked = askAll(stage.arena.plugin, stage.machine);
    for (const [, promise] of asked) promise.catch(() => undefined);
    stage.machine.close();
    await demandLost(underWay);
    await demandSettled(asked);
    stage.machine.close();
    await sleep(20);
    demandSame(stage.attempt.losses.length, 0, "losses after a close");
    await underWay.release();
  },
  "after close everything is refused at once": async (stage) => {
    stage.machine.close();
    await demandGone(stage);
    demandSame(stage.attempt.losses.length, 0, "losses after a close");
  },
  "after close nothing of the link stays open here": async (stage) => {
    const { openHandles } = stage.arena;
    if (openHandles === undefined) return;
    const underWay = await start(stage);
    stage.machine.close();
    await underWay.release();
    let open: number | undefined;
    const released = (): boolean => {
      void Promise.resolve(openHandles()).then((count) => (open = count));
      return open === 0;
    };
    await until(released, "the handles to be released");
  },
  "two links at once do not disturb each other": async (stage) => {
    const { plugin } = stage.arena;
    const other = await stage.another();
    await soon(Promise.all([stage.machine.ping(), other.machine.ping()]), "both pings");
    const underWay = await start(stage);
    other.machine.close();
    await failure(other.machine.ping(), "not_connected", "a ping of the closed link", AT_ONCE_MS);
    await soon(stage.machine.ping(), "a ping of the other");
    if (has(plugin, "processes")) {
      demandSame((await runProcess(stage.machine, { command: ["echo", "on"] })).stdout, "on\n", "a process");
      demand(underWay.process?.stdout.destroyed === false, "the other link's process was cut off");
    }
    if (underWay.stream !== undefined) {
      let heard = "";
      underWay.stream.on("data", (piece: Buffer) => void (heard += piece.toString()));
      underWay.stream.write("on");
      await until(() => heard === "on", "the echo over the other link");
    }
    demandSame([stage.attempt.losses.length, other.attempt.losses.length], [0, 0], "losses");
    stage.machine.close();
    await demandLost(underWay);
    await underWay.release();
  },
};

const cutCases: Readonly<Record<string, PluginCase["run"]>> = {
  "a cut link is reported once, and all that was under way is told": async (stage) => {
    const { arena, attempt, machine } = stage;
    const underWay = await start(stage);
    await cutStage(stage);
    await until(() => attempt.losses.length > 0, "the loss");
    await demandLost(underWay);
    await demandGone(stage);
    machine.close();
    machine.close();
    await sleep(50);
    demandSame(attempt.losses.length, 1, "reports of one loss");
    await underWay.release();
    await arena.restore?.();
  },
  "what is asked while the link is cut settles": async (stage) => {
    const { arena, attempt, machine } = stage;
    const asked = askAll(arena.plugin, machine);
    for (const [, promise] of asked) promise.catch(() => undefined);
    await cutStage(stage);
    await until(() => attempt.losses.length > 0, "the loss");
    await demandSettled(asked);
    await arena.restore?.();
  },
  "after a cut the same destination is dialled again": async (stage) => {
    await cutStage(stage);
    await until(() => stage.attempt.losses.length > 0, "the loss");
    await stage.arena.restore?.();
    const { machine, attempt } = await stage.another();
    await soon(machine.ping(), "a ping over the new link");
    demandSame(
      [stage.attempt.losses.length, attempt.losses.length],
      [1, 0],
      "losses of the old and the new link",
    );
  },
};

async function cutStage({ arena }: Stage): Promise<void> {
  demand(arena.cut !== undefined, "the arena cannot cut");
  await arena.cut();
}

const systemInfo: PluginCase["run"] = async ({ machine }) => {
  const info = await soon(machine.systemInfo(), "the system's facts");
  demand(["unix", "windows"].includes(info.family), `the family is ${info.family}`);
  for (const key of ["os", "arch", "currentDirectory", "username", "shell"] as const) {
    demand(info[key] !== "" && !/[\r\n]/.test(info[key]), `${key} is ${JSON.stringify(info[key])}`);
  }
  demand(info.family !== "unix" || info.currentDirectory.startsWith("/"), "the directory is relative");
};

export const linkCases: readonly PluginCase[] = [
  ...Object.entries(closeCases).map(([name, run]) => ({ name, run, abilities: [] })),
  ...Object.entries(cutCases).map(([name, run]) => ({ name, run, abilities: [], needs: "cut" as const })),
  { name: "the system tells about itself", run: systemInfo, abilities: ["system_info"] },
];
