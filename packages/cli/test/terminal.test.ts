// On a real terminal: the picture is drawn, and the end of the terminal is the end of the command.
import { spawn, spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { PATIENCE, build, makeHome, start } from "./command.ts";

beforeAll(build, 120_000);

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const hasScript = spawnSync("script", ["--version"]).error === undefined;
if (!hasScript)
  process.stderr.write("skipped: `script` (util-linux) is not installed, so no terminal was tried\n");

/** `script` gives its child a terminal and takes it away when it is killed. */
function onTerminal(home: string, args: string): { kill: () => void; output: () => string } {
  const line = `${process.execPath} ${main} ${args}`;
  const child = spawn("script", ["-qfec", line, "/dev/null"], {
    env: { PATH: process.env["PATH"], HOLDFAST_HOME: home, TERM: "xterm" },
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  onTestFinished(() => void child.kill("SIGKILL"));
  return { kill: () => void child.kill("SIGKILL"), output: () => text };
}

/** The command behind `script`, by its socket. It does not outlive the test, whatever that finds. */
async function pidOf(home: string): Promise<number> {
  const [socket] = await readdir(join(home, "run"));
  const pid = Number(/-(\d+)\.sock/.exec(socket!)![1]);
  onTestFinished(() => {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone, as it should be.
    }
  });
  return pid;
}

test.runIf(hasScript)("a tunnel whose terminal is gone drains and leaves nothing", async () => {
  const home = await makeHome();
  const terminal = onTerminal(home, "expose 1");
  await vi.waitFor(() => expect(terminal.output()).toMatch(/listening at/), PATIENCE);
  const pid = await pidOf(home);
  terminal.kill();
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), PATIENCE);
  expect(await readdir(join(home, "run"))).toEqual([]);
});

test.runIf(hasScript)(
  "watching shows when a healthy peer was last heard, not when it was last news",
  async () => {
    const home = await makeHome();
    const tunnel = start(["expose", "1", "--heartbeat-interval", "500ms", "--json"], { home });
    await tunnel.line("ready");
    const terminal = onTerminal(home, "status expose-1 --watch");
    const ages = (): number[] =>
      [...terminal.output().matchAll(/last heard +([\d.]+) (m?)s ago/g)].map(
        ([, number, milli]) => Number(number) * (milli === "m" ? 1 : 1_000),
      );
    // Without asking again it would only ever grow.
    const refreshed = (): number =>
      ages().filter((age, index) => index > 0 && age < ages()[index - 1]!).length;
    await vi.waitFor(() => expect(refreshed()).toBeGreaterThan(2), PATIENCE);
    await tunnel.stop();
  },
);

test.runIf(hasScript)(
  "the demo draws a picture in place, with colours, and gives the cursor back",
  async () => {
    const home = await makeHome();
    const terminal = onTerminal(home, "demo");
    await vi.waitFor(() => expect(terminal.output()).toMatch(/tunnel {4}\S*connected/), PATIENCE);
    await vi.waitFor(() => expect(terminal.output()).toMatch(/cut: connections reset/), PATIENCE);
    expect(terminal.output()).toContain("\u001B[?25l");
    expect(terminal.output()).toContain("\u001B[9A");
    const [socket] = await readdir(join(home, "run"));
    process.kill(Number(/-(\d+)\.sock/.exec(socket!)![1]), "SIGINT");
    await vi.waitFor(() => expect(terminal.output()).toMatch(/OUTAGE[^]*requests? in/), PATIENCE);
    expect(terminal.output()).toContain("\u001B[?25h");
    await vi.waitFor(async () => expect(await readdir(join(home, "run"))).toEqual([]), PATIENCE);
  },
);
