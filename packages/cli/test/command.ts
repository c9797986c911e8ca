// The built command as real processes: each test has a HOLDFAST_HOME of its own, every JSON line is parsed by the
// schemas, and at the end of a test no process and no socket is left.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, vi } from "vitest";
import { isProcessAlive, type OutputLine } from "@holdfast/control";
import { outputLine } from "@holdfast/control/schemas";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const main = join(root, "packages/cli/dist/main.js");

/** How long anything may take that is not a demo, on a busy machine. */
export const PATIENCE = { timeout: 20_000, interval: 20 };

/** Build what is tested. Say so out loud if the build complains; there is no test without a result of it. */
export async function build(): Promise<void> {
  const cache = join(root, "node_modules/.cache");
  const lock = join(cache, "holdfast-cli-build");
  await mkdir(cache, { recursive: true });
  await vi.waitFor(() => mkdir(lock), { timeout: 60_000, interval: 100 }).catch(() => undefined);
  try {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const result = spawnSync(process.execPath, [tsc, "-b", "packages/cli"], { cwd: root, encoding: "utf8" });
    if (result.status !== 0) process.stderr.write(`tsc -b packages/cli said:\n${result.stdout}\n`);
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
  if (!existsSync(main)) throw new Error("packages/cli/dist/main.js is not there: the build failed");
}

/** A home for one test, with nothing in it at the end but what the test itself put there. */
export async function makeHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "hf-"));
  onTestFinished(async () => {
    await endDaemon(home);
    const sockets = await readdir(join(home, "run")).catch(() => []);
    await rm(home, { recursive: true, force: true });
    // A process that a test killed had no chance to clean up.
    const left = sockets.filter((name) => !killed.has(Number(/-(\d+)\.sock$/.exec(name)?.[1])));
    expect(left.filter((name) => killed.size === 0 || name !== "machines.sock")).toEqual([]);
  });
  return home;
}

const killed = new Set<number>();

/** The daemon that a command has started in this home, by its socket. */
export async function daemonPid(home: string): Promise<number | undefined> {
  const sockets = await readdir(join(home, "run")).catch(() => []);
  const pids = sockets.map((name) => Number(/^daemon-(\d+)\.sock$/.exec(name)?.[1]));
  return pids.find((pid) => Number.isInteger(pid) && isProcessAlive(pid));
}

/** Kill it in the middle of whatever it does. Resolves with its number when it is gone. */
export async function killDaemon(home: string): Promise<number> {
  const pid = await vi.waitFor(async () => {
    const found = await daemonPid(home);
    if (found === undefined) throw new Error("no daemon runs");
    return found;
  }, PATIENCE);
  killed.add(pid);
  process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(isProcessAlive(pid)).toBe(false), PATIENCE);
  return pid;
}

/** One that was started when another had just been, and is about to give way or, if that has ended, to stay. */
async function startingDaemon(home: string): Promise<number | undefined> {
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const words = await readFile(join("/proc", name, "cmdline"), "utf8").catch(() => "");
    if (words.includes("\0daemon\0run\0") && words.includes(`\0${home}/`)) return Number(name);
  }
  return undefined;
}

/** Nothing that a test started stays behind. */
async function endDaemon(home: string): Promise<void> {
  const next = async (): Promise<number | undefined> =>
    (await daemonPid(home)) ?? (await startingDaemon(home));
  for (let pid = await next(); pid !== undefined; pid = await next()) {
    const running = pid;
    process.kill(running, "SIGTERM");
    await vi
      .waitFor(() => expect(isProcessAlive(running)).toBe(false), PATIENCE)
      .catch((thrown: unknown) => {
        killed.add(running);
        process.kill(running, "SIGKILL");
        throw thrown;
      });
  }
}

export interface RunOptions {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** Start the command. It is asked to stop at the end of the test if the test did not end it. */
export function start(args: readonly string[], options: RunOptions): Running {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env["PATH"], HOME: options.home, HOLDFAST_HOME: options.home, ...options.env },
    cwd: options.cwd ?? options.home,
  });
  if (options.input !== undefined) child.stdin.end(options.input);
  return new Running(child);
}

/** Run the command to its end. */
export async function run(args: readonly string[], options: RunOptions): Promise<Finished> {
  return start(args, options).finished;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    child.stdin?.on("error", () => undefined);
    this.finished = new Promise((resolve) => {
      child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
    onTestFinished(async () => {
      const left = child.exitCode === null && child.signalCode === null;
      if (left) child.kill("SIGTERM");
      const timer = setTimeout(() => void this.stop("SIGKILL"), PATIENCE.timeout);
      const { code } = await this.finished;
      clearTimeout(timer);
      if (left) expect(code, `after SIGTERM: ${this.stderr}`).toBe(0);
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Every complete line of stdout, each checked against the schemas. */
  get lines(): readonly OutputLine[] {
    return this.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => outputLine.parse(JSON.parse(line)));
  }

  /** The first line that fits, as soon as there is one. */
  async line<T extends OutputLine["type"]>(
    type: T,
    fits: (line: Extract<OutputLine, { type: T }>) => boolean = () => true,
  ): Promise<Extract<OutputLine, { type: T }>> {
    const isIt = (line: OutputLine): line is Extract<OutputLine, { type: T }> =>
      line.type === type && fits(line as Extract<OutputLine, { type: T }>);
    return vi.waitFor(() => {
      const line = this.lines.find(isIt);
      if (line === undefined) throw new Error(`no ${type} yet in:\n${this.stdout}\n${this.stderr}`);
      return line;
    }, PATIENCE);
  }

  /** The match, as soon as stderr or stdout has it. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return vi.waitFor(() => {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match === null) throw new Error(`not yet ${pattern} in:\n${this.stdout}\n${this.stderr}`);
      return match;
    }, PATIENCE);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
    if (signal === "SIGKILL") killed.add(this.pid);
    this.child.kill(signal);
    return this.finished;
  }
}

/** `host:port`, taken apart. */
export function hostAndPort(address: string): { host: string; port: number } {
  const match = /^(?:bore:\/\/)?(.+):(\d+)$/.exec(address);
  if (match === null) throw new Error(`${address} is no address`);
  return { host: match[1]!, port: Number(match[2]) };
}
