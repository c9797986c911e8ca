// Commands that look at everything go on when the daemon crashes, and bring it back.
import { beforeAll, expect, test, vi } from "vitest";
import { entriesOfPush } from "../src/entries-of-push.ts";
import { build, daemonPid, killDaemon, makeHome, PATIENCE, start } from "./command.ts";
import { daemonOf, does, until } from "./remote-stage.ts";

beforeAll(build, 120_000);
// Each test runs a dozen commands, one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

test("`events` goes on over a crash of the daemon, in the same process, and starts it again", async () => {
  const home = await makeHome();
  await does(home, "connect", "host://localhost", "--name", "here");
  const events = start(["events", "--topics", "connection", "--json"], { home });
  await events.line("snapshot", ({ entries }) => entries.some(({ name }) => name === "here"));
  const killed = await killDaemon(home);
  // In the snapshot of the next daemon, or by an event of it, as fast as it is.
  const back = await vi.waitFor(() => {
    const found = events.lines
      .flatMap((line) => (line.type === "snapshot" || line.type === "event" ? entriesOfPush(line) : []))
      .find((entry) => entry.type === "connection" && entry.state === "connected" && entry.pid !== killed);
    expect(found, events.stdout).toBeDefined();
    return found;
  }, PATIENCE);
  expect(back).toMatchObject({ id: 2, name: "here" });
  // Nobody started it but this command.
  expect(back?.pid).toBe((await daemonOf(home))?.pid);
  expect((await events.stop("SIGINT")).code).toBe(0);
});

test("`events` does not start again what was told to stop, and sees the next one", async () => {
  const home = await makeHome();
  await does(home, "connect", "host://localhost", "--name", "here");
  const events = start(["events", "--json"], { home });
  await events.line("snapshot");
  await does(home, "daemon", "stop");
  await events.line("event", ({ event }) => event.type === "daemon_removed");
  expect(await daemonPid(home)).toBeUndefined();
  await does(home, "daemon", "start");
  const pid = (await daemonOf(home))!.pid;
  const isNew = ({ entries }: { entries: readonly { pid: number }[] }): boolean =>
    entries.some((entry) => entry.pid === pid);
  await events.line("snapshot", isNew);
  expect((await events.stop("SIGINT")).code).toBe(0);
});

test("`wait` does not take a crash for the end of what the daemon keeps", async () => {
  const home = await makeHome();
  await does(home, "connect", "host://localhost", "--name", "here");
  const ends = start(["wait", "here", "--for", "disconnected"], { home });
  await ends.says(/waiting for here to be disconnected: connected/);
  const killed = await killDaemon(home);
  await until(async () => ![undefined, killed].includes(await daemonPid(home)));
  await does(home, "wait", "here", "--timeout", "20s");
  expect(ends.child.exitCode).toBeNull();
  await does(home, "disconnect", "2");
  expect((await ends.finished).code).toBe(0);
});

test("`status --watch` shows it again", async () => {
  const home = await makeHome();
  await does(home, "connect", "host://localhost", "--name", "here");
  const watch = start(["status", "here", "--watch", "--json"], { home });
  await watch.line("connection", ({ state }) => state === "connected");
  const killed = await killDaemon(home);
  await watch.line("connection", ({ state, pid }) => state === "connected" && pid !== killed);
  expect((await watch.stop("SIGINT")).code).toBe(0);
});
