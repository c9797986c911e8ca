// Real peers as processes: where they are, starting them, and waiting for what they print.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "../../packages/tunnel/test/sockets.ts";

/** What a terminal turns colours on and off with. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
const root = join(import.meta.dirname, "..", "..");

interface LockedPeer {
  readonly version: string;
  readonly tool: string;
  readonly binary: string;
}

/**
 * The path of a peer's program, built on the way if need be; `undefined`, and said aloud, if it cannot be had here.
 * With HOLDFAST_REQUIRE_PEERS=1 that is an error.
 */
export function findPeer(name: string): string | undefined {
  const lock = JSON.parse(readFileSync(join(root, "test", "peers.lock"), "utf8")) as Record<
    string,
    LockedPeer
  >;
  const peer = lock[name];
  if (peer === undefined) throw new Error(`no peer named ${name} in test/peers.lock`);
  const binary = join(root, "node_modules", ".cache", "peers", `${name}-${peer.version}`, peer.binary);
  if (existsSync(binary)) return binary;
  const install = spawnSync(process.execPath, [join(root, "test", "peers", "install.mjs"), name], {
    encoding: "utf8",
  });
  if (install.status === 0 && existsSync(binary)) return binary;
  const why = install.stderr.trim().split("\n").at(-1) ?? "no reason given";
  if (process.env["HOLDFAST_REQUIRE_PEERS"] === "1") throw new Error(`peer missing: ${why}`);
  process.stderr.write(`${why.startsWith("skipped") ? why : `skipped: ${why}`}\n`);
  return undefined;
}

/**
 * Whether a peer that comes with the system is here, all its programs; if not, it is said aloud.
 * With HOLDFAST_REQUIRE_PEERS=1 that is an error.
 */
export function hasSystemPeer(name: string): boolean {
  const looked = spawnSync(process.execPath, [join(root, "test", "peers", "install.mjs"), name], {
    encoding: "utf8",
  });
  const why = looked.stderr.trim();
  if (looked.status !== 0) throw new Error(`peer missing: ${why}`);
  if (why !== "") process.stderr.write(`${why}\n`);
  return why === "";
}

export class PeerProcess {
  readonly child: ChildProcess;
  output = "";
  exited: { readonly code: number | null; readonly signal: string | null } | undefined;

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] },
    });
    const collect = (chunk: Buffer): void => {
      // Without the colours that its logs have.
      this.output += chunk.toString().replaceAll(COLOUR, "");
    };
    this.child.stdout?.on("data", collect);
    this.child.stderr?.on("data", collect);
    this.child.on("close", (code, signal) => (this.exited = { code, signal }));
    onTestFinished(() => this.kill());
  }

  async prints(text: string | RegExp): Promise<string> {
    const found = (): string | undefined => {
      if (typeof text === "string") return this.output.includes(text) ? text : undefined;
      const match = text.exec(this.output);
      return match?.[1] ?? match?.[0];
    };
    await until(`it prints ${text}; it printed ${this.output}`, () => found() !== undefined);
    return found() ?? "";
  }

  async exits(): Promise<number | null> {
    await until(`it exits; it printed ${this.output}`, () => this.exited !== undefined);
    return this.exited?.code ?? null;
  }

  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGTERM" | "SIGKILL"): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.exited !== undefined) return;
    this.child.kill("SIGKILL");
    await until("it is gone", () => this.exited !== undefined);
  }
}
