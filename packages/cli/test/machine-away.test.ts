// Commands on a machine whose connection is away: new ones wait for it, those that run end with a message or, where a
// session carries them, go on; what is typed meanwhile is held.
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { build, killDaemon, makeHome, run, start, type Running } from "./command.ts";
import { onTerminal } from "./on-terminal.ts";
import { MAIN, startBytes } from "./raw-command.ts";

// A test is a dozen processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });
beforeAll(build, 120_000);

const BELL = "\u0007";

/** This machine, served to the user of this home. */
async function serve(home: string, port = 0): Promise<{ readonly server: Running; readonly port: number }> {
  const server = start(["serve", "--port", String(port), "--json"], { home });
  const [address = ""] = (await server.line("ready")).addresses;
  return { server, port: Number(new URL(address).port) };
}

async function proxied(port: number): Promise<{ readonly proxy: FaultyProxy; readonly destination: string }> {
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port } });
  onTestFinished(() => proxy.close());
  if ("path" in proxy.endpoint) throw new Error("a proxy has a port");
  return { proxy, destination: `holdfast://127.0.0.1:${proxy.endpoint.port}` };
}

async function connect(home: string, destination: string, ...more: readonly string[]): Promise<void> {
  const { code, stderr } = await run(["connect", destination, "--name", "far", ...more], { home });
  expect(code, stderr).toBe(0);
}

/** A port of this machine where nobody listens. */
async function freePort(home: string): Promise<number> {
  const { server, port } = await serve(home);
  await server.stop();
  return port;
}

describe("a command for a connection that is away", () => {
  test("waits for it, says for what, and runs when it is there", async () => {
    const home = await makeHome();
    const port = await freePort(home);
    await connect(home, `holdfast://127.0.0.1:${port}`, "--background");
    const waiting = start(["exec", "far", "--", "echo", "at last"], { home });
    await waiting.says(/\[holdfast\] connection \d+: connecting in .*\(attempt \d+\): .* refused/);
    await serve(home, port);
    expect(await waiting.finished).toMatchObject({ code: 0, stdout: "at last\n" });
    expect(waiting.stderr).toMatch(/\[holdfast\] connection \d+: connected\n/);
  });

  test("waits no longer than it is told to", async () => {
    const home = await makeHome();
    const port = await freePort(home);
    await connect(home, `holdfast://127.0.0.1:${port}`, "--background");
    expect(await run(["exec", "far", "--wait", "300ms", "--", "true"], { home })).toMatchObject({
      code: 255,
      stdout: "",
      stderr: expect.stringMatching(
        /error: the connection far was not there within 300 ms: it is connecting/,
      ) as string,
    });
    expect(await run(["fs", "ls", "far:/", "--wait", "300ms", "--quiet"], { home })).toMatchObject({
      code: 1,
    });
  });
});

describe("a command that runs", () => {
  test("goes on over holdfast:// when the link is cut, with all of its output", async () => {
    const home = await makeHome();
    const { proxy, destination } = await proxied((await serve(home)).port);
    await connect(home, destination);
    const program = startBytes(["exec", "far", "--line", "echo begun; read line; seq 200000"], home);
    await program.says("begun");
    await proxy.refuse();
    proxy.cut();
    program.child.stdin.write("go on\n");
    await proxy.heal();
    const { code, stdout } = await program.finished;
    const numbers = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join("");
    expect({ code, same: stdout.toString() === `begun\n${numbers}` }).toEqual({ code: 0, same: true });
  });

  test("ends with 255 and a message when its session is lost", async () => {
    const home = await makeHome();
    const { server, port } = await serve(home);
    await connect(home, `holdfast://127.0.0.1:${port}`);
    const program = startBytes(["exec", "far", "--", "sh", "-c", "echo begun; exec cat"], home);
    await program.says("begun");
    await server.stop("SIGKILL");
    await serve(home, port);
    const { code } = await program.finished;
    expect({ code, stderr: program.stderr }).toEqual({
      code: 255,
      stderr: expect.stringMatching(
        /error: the connection far was lost, and with it the command: /,
      ) as string,
    });
    expect(program.stderr).toContain("it may still run there");
  });

  test("ends with 255 and a message when it is disconnected", async () => {
    const home = await makeHome();
    await connect(home, "host://localhost");
    const program = startBytes(["exec", "--", "sh", "-c", "echo begun; exec cat"], home);
    await program.says("begun");
    expect((await run(["disconnect", "far"], { home })).code).toBe(0);
    const { code } = await program.finished;
    expect({ code, stderr: program.stderr }).toEqual({
      code: 255,
      stderr: expect.stringMatching(/error: the connection far was /) as string,
    });
  });

  test("ends with 255 and a message when the daemon is killed; the connection is back for the next", async () => {
    const home = await makeHome();
    await connect(home, "host://localhost");
    const program = startBytes(["exec", "--", "sh", "-c", "echo begun; exec cat"], home);
    await program.says("begun");
    await killDaemon(home);
    const { code } = await program.finished;
    expect({ code, stderr: program.stderr }).toEqual({
      code: 255,
      stderr: expect.stringContaining(
        "error: the daemon has ended, and what ran through it with it",
      ) as string,
    });
    expect(await run(["exec", "far", "--", "echo", "again"], { home })).toMatchObject({
      code: 0,
      stdout: "again\n",
    });
  });
});

describe("a shell over holdfast:// whose link is away", () => {
  test("says so, holds what is typed, drops it with Ctrl-C, and goes on with what was typed after that", async () => {
    const home = await makeHome();
    const { proxy, destination } = await proxied((await serve(home)).port);
    await connect(home, destination);
    const terminal = await onTerminal(
      `'${process.execPath}' '${MAIN}' shell far --env PS1='> '; echo "code $?"`,
      { home },
    );
    terminal.type("echo be''gun\r");
    await terminal.shows(/begun\r+\n/);
    await proxy.refuse();
    proxy.cut();
    await terminal.shows(/\[holdfast\] connection \d+: reconnecting/);
    terminal.type("echo wr''ong\r");
    await terminal.shows(/\(13 bytes wait\)/);
    terminal.type("\u0003");
    terminal.type("echo ri''ght\r");
    await terminal.shows(/\(13 bytes wait\)/);
    // More than is held rings the bell.
    terminal.type(`#${"x".repeat(5_000)}`);
    await terminal.shows(new RegExp(`${BELL}[^]*\\(4096 bytes wait\\)`));
    terminal.type("\u0003");
    terminal.type("echo ri''ght\r");
    await terminal.shows(/\(13 bytes wait\)/);
    terminal.type("~s");
    await terminal.shows(/\[holdfast\] 13 bytes wait/);
    await proxy.heal();
    terminal.type("~r");
    await terminal.shows(/\[holdfast\] connection \d+: connected\r\n/);
    await terminal.shows(/right\r+\n/);
    terminal.type("exit 5\r");
    await terminal.shows(/code 5/);
    expect(terminal.shown).not.toMatch(/wrong\r+\n/);
  });
});
