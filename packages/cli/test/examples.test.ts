// Every example in help is run: the long ones until they say something and are asked to stop, the short ones to
// their end, beside a tunnel such as they speak of.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { commands } from "../src/commands.ts";
import { build, makeHome, run, start, type Running } from "./command.ts";

beforeAll(build, 120_000);

const all = await Promise.all(commands.map((command) => command.load()));
const examples = all.flatMap((command) => command.examples.map(({ line }) => line));

/** What says that a command is at work, for those that do not end by themselves. */
const AT_WORK: Readonly<Record<string, RegExp>> = {
  relay: /listening at/,
  serve: /listening at/,
  // Where nobody listens it says what it waits for.
  expose: /listening at|connecting in/,
  demo: /listening at|"type":"tunnel"/,
  events: /expose-3000/,
  api: /"type":"auth_finished"/,
  forward: /listening at/,
};

/** Those that need a connection speak of `here`, which is this machine. */
const NEEDS_CONNECTION = new Set(
  commands
    .filter(({ group, name }) => group === "Remote" && !["connect", "launch", "serve"].includes(name))
    .map(({ name }) => name),
);

async function world(home: string): Promise<Running> {
  await writeFile(join(home, "secret.txt"), "open sesame\n", { mode: 0o600 });
  const tunnel = start(["expose", "3000", "--json"], { home });
  await tunnel.line("ready");
  return tunnel;
}

describe("examples", () => {
  test.for(examples)("%s", async (line) => {
    const home = await makeHome();
    // Somebody may run a relay at the default port of this machine; nobody listens at port 1.
    const [, command = "", ...args] = line
      .replace("holdfast://127.0.0.1", "holdfast://127.0.0.1:1")
      .split(" ");
    const waitsForLoss = line.includes("--for reconnecting");
    const tunnel = waitsForLoss ? await lostTunnel(home) : await world(home);
    if (NEEDS_CONNECTION.has(command)) await run(["connect", "host://localhost", "--name", "here"], { home });
    // With a relay of its own beside it, "the only one" of these examples would be one of two.
    if (line === "holdfast disconnect --json") await tunnel.stop();
    const pattern = line.includes("--background") ? undefined : AT_WORK[command];
    if (pattern !== undefined) {
      const running = start([command, ...args], { home });
      await running.says(pattern);
      const { code } = await running.stop("SIGINT");
      // A demo that is interrupted while something is cut has not seen it come back.
      expect(code, running.stderr).toBe(0);
      return;
    }
    if (line === "holdfast disconnect --json") await onlyOne(home);
    const { code, stdout, stderr } = await run([command, ...args], { home, input: "echo hello\n" });
    expect(code, stderr).toBe(0);
    expect(stdout).not.toBe("");
  });
});

/** A tunnel whose relay has died. */
async function lostTunnel(home: string): Promise<Running> {
  const relay = start(["relay", "--port", "0", "--bore-port", "0", "--json"], { home });
  await relay.line("ready");
  const tunnel = start(["expose", "3000", "--json"], { home });
  await tunnel.line("ready");
  await relay.stop("SIGKILL");
  return tunnel;
}

/** A relay by itself. */
async function onlyOne(home: string): Promise<void> {
  await start(["relay", "--port", "0", "--bore-port", "0", "--json"], { home }).line("ready");
}
