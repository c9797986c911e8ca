// What the tests of the daemon's commands look at: entries by kind, and a server that never says a word.
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, vi } from "vitest";
import type { ConnectionEntry, DaemonEntry, Entry, ForwardEntry } from "@holdfast/control";
import { outputLine } from "@holdfast/control/schemas";
import { PATIENCE, run, type Finished } from "./command.ts";

/** What `list` says, each line checked. */
export async function entriesOf(home: string): Promise<readonly Entry[]> {
  const { stdout } = await run(["list", "--json"], { home });
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => outputLine.parse(JSON.parse(line)));
  return lines.filter((line) => line.type !== "hello") as Entry[];
}

export async function connectionsOf(home: string): Promise<readonly ConnectionEntry[]> {
  return (await entriesOf(home)).filter((entry) => entry.type === "connection");
}

export async function forwardsOf(home: string): Promise<readonly ForwardEntry[]> {
  return (await entriesOf(home)).filter((entry) => entry.type === "forward");
}

export async function daemonOf(home: string): Promise<DaemonEntry | undefined> {
  return (await entriesOf(home)).find((entry) => entry.type === "daemon");
}

/** Run a command that must not fail. */
export async function does(home: string, ...args: readonly string[]): Promise<Finished> {
  const finished = await run(args, { home });
  expect(finished.code, `${args.join(" ")}: ${finished.stderr}`).toBe(0);
  return finished;
}

export interface SilentServer {
  readonly port: number;
  /** Connections so far. */
  readonly met: () => number;
}

/** Takes connections and never says a word, so that whoever dials it waits. */
export async function silentServer(): Promise<SilentServer> {
  let met = 0;
  const server = createServer((socket) => {
    met += 1;
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, met: () => met };
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await condition()).toBe(true), PATIENCE);
}
