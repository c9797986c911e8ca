// The programs that Holdfast is compared with: where they are, if they are here, and in which version.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..", "..", "..");

interface LockedPeer {
  readonly version: string;
  readonly binary: string;
}

const CRATES = { bore: "bore-cli", rathole: "rathole" } as const;

export interface Peer {
  readonly command: string;
  readonly version: string;
}

/** In the cache that `node test/peers/install.mjs --bench` fills, else in PATH. */
export function findPeer(name: "bore" | "rathole"): Peer | undefined {
  const crate = CRATES[name];
  const lock = JSON.parse(readFileSync(join(root, "test", "peers.lock"), "utf8")) as Record<
    string,
    LockedPeer
  >;
  const locked = lock[crate];
  const cached =
    locked && join(root, "node_modules", ".cache", "peers", `${crate}-${locked.version}`, locked.binary);
  const command = cached !== undefined && existsSync(cached) ? cached : inPath(name);
  if (command === undefined) return undefined;
  return { command, version: versionOf(command, ["--version"]) ?? "of unknown version" };
}

/** @throws Error that says how to get it, if it is not here. */
export function peerCommand(name: "bore" | "rathole"): string {
  const peer = findPeer(name);
  if (peer === undefined) throw new Error(`${name} is not here: node test/peers/install.mjs --bench`);
  return peer.command;
}

/** The version of the load generator, or nothing if it is not here. */
export function findIperf(): Peer | undefined {
  const command = inPath("iperf3");
  return command === undefined ? undefined : { command, version: versionOf(command, ["--version"]) ?? "" };
}

function inPath(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function versionOf(command: string, args: readonly string[]): string | undefined {
  const { stdout } = spawnSync(command, args, { encoding: "utf8" });
  return /\b\d+\.\d+(?:\.\d+)?\b/.exec(stdout.replace(/Build Timestamp.*/, ""))?.[0];
}
