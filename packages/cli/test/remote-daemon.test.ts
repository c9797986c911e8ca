// The daemon as a process: it starts by itself, there is one of it, and it ends when it is told to.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { isProcessAlive } from "@holdfast/control";
import { build, daemonPid, killDaemon, makeHome, run, start } from "./command.ts";
import { connectionsOf, daemonOf, does, entriesOf, forwardsOf, until } from "./remote-stage.ts";

beforeAll(build, 120_000);
// Each test runs a dozen commands, one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const HERE = "host://localhost";

describe("a daemon", () => {
  test("starts by itself on first use, away from the terminal, the folder and the environment of who did", async () => {
    const home = await makeHome();
    const env = { SSH_AUTH_SOCK: "/nowhere/agent", PRIVATE_WORD: "xyzzy", HOLDFAST_SECRET: "plugh" };
    const { code, stdout } = await run(["connect", HERE, "--name", "here"], { home, env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "here (2): connected to host://localhost\n" });
    const daemon = await daemonOf(home);
    expect(daemon).toMatchObject({ state: "running", connections: 1 });
    if (process.platform !== "linux") return;
    const proc = `/proc/${daemon!.pid}`;
    const environment = await readFile(`${proc}/environ`, "utf8");
    expect(environment).not.toMatch(/nowhere|xyzzy|plugh/);
    expect(await readlink(`${proc}/cwd`)).toBe("/");
    // The fields behind the name: state, parent, group, session.
    const [, , , session] = (await readFile(`${proc}/stat`, "utf8")).split(") ")[1]!.split(" ");
    expect(Number(session)).toBe(daemon!.pid);
    expect(await readFile(`${proc}/cmdline`, "utf8")).not.toMatch(/plugh/);
  });

  test("is one, however many start it at once", async () => {
    const home = await makeHome();
    const names = Array.from({ length: 10 }, (_, number) => `n${number}`);
    const all = await Promise.all(
      names.map((name) => run(["connect", HERE, "--new", "--name", name, "--json"], { home })),
    );
    expect(all.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, ""]));
    const entries = await entriesOf(home);
    expect(entries.filter(({ type }) => type === "daemon")).toHaveLength(1);
    expect(new Set(entries.map(({ pid }) => pid)).size).toBe(1);
    const connections = entries.filter(({ type }) => type === "connection");
    expect(connections.map(({ name }) => name).toSorted()).toEqual(names);
    expect(new Set(connections.map(({ id }) => id)).size).toBe(10);
  });

  test("is stopped when `stop` returns; what it keeps is spoken of, and is back with the next one", async () => {
    const home = await makeHome();
    await does(home, "connect", HERE, "--name", "here");
    const pid = (await daemonPid(home))!;
    const { stdout } = await does(home, "daemon", "stop", "--json");
    expect(isProcessAlive(pid)).toBe(false);
    expect(stdout).toContain(`{"type":"daemon_stopped","pid":${pid}}`);
    expect((await run(["list"], { home })).stderr).toMatch(/1 connection kept, and no daemon runs/);
    expect(await does(home, "daemon", "stop")).toMatchObject({ stderr: "the daemon is not running\n" });
    expect(await run(["daemon", "status"], { home })).toMatchObject({ code: 1 });
    await does(home, "daemon", "start");
    await until(async () => (await connectionsOf(home))[0]?.state === "connected");
    expect(await connectionsOf(home)).toMatchObject([{ id: 2, name: "here" }]);
    expect((await does(home, "daemon", "status")).stdout).toMatch(/running, 1 connection/);
    expect((await does(home, "daemon", "start")).stdout).toMatch(/already running/);
  });

  test("keeps ids, names and the ports of forwards over a restart", async () => {
    const home = await makeHome();
    await does(home, "connect", HERE, "--name", "here");
    await does(home, "forward", "here", "0:127.0.0.1:9", "--background");
    const before = [...(await connectionsOf(home)), ...(await forwardsOf(home))];
    const pid = (await daemonOf(home))!.pid;
    await does(home, "daemon", "restart");
    await until(async () => (await forwardsOf(home))[0]?.state === "listening");
    const after = [...(await connectionsOf(home)), ...(await forwardsOf(home))];
    const known = ({ id, name }: { id: number; name: string }): unknown => ({ id, name });
    expect(after.map(known)).toEqual(before.map(known));
    const ports = [before, after].map((entries) =>
      entries.flatMap((entry) => ("listen" in entry ? [entry.listen?.port] : [])),
    );
    expect(ports[1]).toEqual(ports[0]);
    expect((await daemonOf(home))!.pid).not.toBe(pid);
    // And nothing has the number of another one.
    await does(home, "connect", HERE, "--new", "--name", "next");
    const ids = (await entriesOf(home)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("takes the place of one that was killed, whatever that has left", async () => {
    const home = await makeHome();
    await does(home, "connect", HERE, "--name", "here");
    const pid = await killDaemon(home);
    const { stdout, stderr } = await does(home, "connect", HERE);
    expect({ stdout, stderr }).toEqual({ stdout: "here (2): connected to host://localhost\n", stderr: "" });
    expect((await daemonOf(home))!.pid).not.toBe(pid);
  });

  test("does not use a folder that others can write", async () => {
    const home = await makeHome();
    await mkdir(join(home, "run"), { mode: 0o700 });
    await chmod(join(home, "run"), 0o777);
    const { code, stderr } = await run(["connect", HERE], { home });
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*run.*(others|mode|777)/);
    await chmod(join(home, "run"), 0o700);
    expect(await daemonPid(home)).toBeUndefined();
  });

  test("says why it could not be started", async () => {
    const home = await makeHome();
    await mkdir(join(home, "state"), { mode: 0o700 });
    await mkdir(join(home, "state", "daemon"), { mode: 0o700 });
    await mkdir(join(home, "state", "daemon", "connections.json"));
    const { code, stderr } = await run(["connect", HERE], { home });
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: the daemon could not be started: .*connections\.json/);
    expect(stderr).toMatch(/holdfast daemon logs/);
  });
});

describe("in the foreground", () => {
  test("it is ready when it says so; SIGHUP makes new links, SIGTERM is the end in order", async () => {
    const home = await makeHome();
    const daemon = start(["daemon", "run", "--json"], { home });
    const { addresses } = await daemon.line("ready");
    expect(addresses[0]).toContain(`daemon-${daemon.pid}.sock`);
    const second = await run(["daemon", "run"], { home });
    expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/is running already/) as unknown });
    await does(home, "connect", HERE, "--name", "here");
    daemon.child.kill("SIGHUP");
    await daemon.line("event", ({ event }) => event.type === "connection_state" && event.epoch === 2);
    const { code } = await daemon.stop();
    expect(code).toBe(0);
    const events = daemon.lines.flatMap((line) => (line.type === "event" ? [line.event] : []));
    expect(events.find((event) => event.type === "daemon_state" && event.state === "stopping")).toBeDefined();
    expect(events.at(-1)).toMatchObject({ type: "daemon_removed" });
  });
});

describe("its log", () => {
  test("tells what happens, also as it happens, and as objects", async () => {
    const home = await makeHome();
    expect(await run(["daemon", "logs"], { home })).toMatchObject({ code: 0, stdout: "" });
    await does(home, "connect", HERE, "--name", "here");
    const follower = start(["daemon", "logs", "--follow", "--json"], { home });
    await follower.line("log", ({ event }) => event === "started");
    await does(home, "connect", HERE, "--new", "--name", "another");
    await follower.line("log", ({ name }) => name === "another");
    expect((await follower.stop("SIGINT")).code).toBe(0);
    expect((await does(home, "daemon", "logs")).stdout).toMatch(/info +another \(3\): connected/);
    expect((await does(home, "daemon", "logs", "--lines", "1")).stdout.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("a daemon of another version", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));

  /** A process that has its socket and its name. */
  async function otherDaemon(home: string, version: string): Promise<number> {
    const script = `
      import { openControl } from "@holdfast/control";
      const host = await openControl({ command: "daemon", version: ${JSON.stringify(version)} });
      host.add({
        kind: "daemon",
        name: "daemon",
        status: () => ({ state: "running", since: new Date(0).toISOString(), connections: 0, forwards: 0,
          session_socket: "/nowhere", log_file: null }),
        disconnect: () => void host.close().then(() => process.exit(0)),
      });
      process.stdin.resume();
      console.log("ready");`;
    const path = join(root, "packages/cli/dist", `other-daemon-${process.pid}.mjs`);
    await writeFile(path, script);
    const child = spawn(process.execPath, [path], {
      env: { PATH: process.env["PATH"], HOLDFAST_HOME: home },
    });
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await (await import("node:fs/promises")).rm(path, { force: true });
    });
    await once(child.stdout, "data");
    return child.pid!;
  }

  test("is refused, with the way out, and `restart` is that way", async () => {
    const home = await makeHome();
    const pid = await otherDaemon(home, "0.0.9");
    const { code, stderr } = await run(["connect", HERE], { home });
    expect(code).toBe(1);
    expect(stderr).toMatch(/the daemon \(process \d+\) is of version 0\.0\.9, older than this command/);
    expect(stderr).toMatch(/holdfast daemon restart/);
    // Looking does no harm.
    expect((await daemonOf(home))?.pid).toBe(pid);
    await does(home, "daemon", "restart");
    expect((await daemonOf(home))?.pid).not.toBe(pid);
    await does(home, "connect", HERE);
  });
});
