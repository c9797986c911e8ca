// A program's line to the daemon: started on first use, again after a crash, never behind the back of who stopped it.
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { ensurePrivateFolder, timestamp, type Push } from "@holdfast/control";
import { openDaemonClient, type DaemonClient, type DaemonClientOptions } from "../../src/index.ts";
import { fakeDaemon, runtimeFolder, VERSION, type FakeDaemon } from "./fake-daemon.ts";

const PATIENCE = { timeout: 20_000, interval: 10 };

function client(folder: string, options: Partial<DaemonClientOptions> = {}): DaemonClient {
  const opened = openDaemonClient({ runtimeFolder: folder, version: VERSION, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

/** Starts daemons in this process, as often as it is asked. */
function starter(folder: string): { started: FakeDaemon[]; start: DaemonClientOptions["start"] & object } {
  const started: FakeDaemon[] = [];
  const start = async (): Promise<{ ended: Promise<HoldfastError> }> => {
    started.push(await fakeDaemon(folder));
    return { ended: new Promise(() => undefined) };
  };
  return { started, start };
}

describe("a line to the daemon", () => {
  test("is refused where none runs and none is to be started", async () => {
    const opened = client(await runtimeFolder());
    await expect(opened.control()).rejects.toMatchObject({ code: "not_running", hint: /daemon start/ });
  });

  test("is to the one that runs, and starts no other", async () => {
    const folder = await runtimeFolder();
    await fakeDaemon(folder);
    const { started, start } = starter(folder);
    const control = await client(folder, { start }).control();
    expect(control.hello.command).toBe("daemon");
    expect(started).toHaveLength(0);
  });

  test("is not to another process that has its name", async () => {
    const folder = await runtimeFolder();
    await fakeDaemon(folder, { command: "expose", name: "daemon" });
    await expect(client(folder).control()).rejects.toMatchObject({ code: "not_running" });
  });

  test("starts one on first use, and again after a crash: who listens hears a snapshot and that it is back", async () => {
    const folder = await runtimeFolder();
    const { started, start } = starter(folder);
    const pushes: Push[] = [];
    const said: string[] = [];
    const opened = client(folder, {
      start,
      topics: ["daemon"],
      onPush: (push) => pushes.push(push),
      onAway: (failure) => said.push(failure?.code ?? "?"),
      onBack: ({ hello }) => said.push(`back ${hello.version}`),
    });
    await opened.control();
    expect(started).toHaveLength(1);
    await started[0]!.crash();
    await vi.waitFor(() => expect(said).toEqual(["daemon_lost", `back ${VERSION}`]), PATIENCE);
    expect(started).toHaveLength(2);
    const snapshots = pushes.filter(({ type }) => type === "snapshot");
    expect(snapshots.length).toBeGreaterThanOrEqual(2);
    expect(snapshots.at(-1)).toMatchObject({ entries: [{ type: "daemon", state: "running" }] });
  });

  test("starts another one when the first dies in the middle of the greeting", async () => {
    const folder = await runtimeFolder();
    const { started, start } = starter(folder);
    // It says hello and is gone.
    await ensurePrivateFolder(folder);
    const dying = createServer((socket) => {
      const hello = {
        type: "hello",
        schema: 1,
        version: VERSION,
        pid: 1,
        command: "daemon",
        started_at: timestamp(0),
      };
      socket.end(`${JSON.stringify(hello)}\n`);
      dying.close();
    });
    dying.listen(join(folder, `daemon-${process.pid}.sock`));
    await once(dying, "listening");
    const control = await client(folder, { start }).control();
    expect(started).toHaveLength(1);
    expect(control.hello.pid).toBe(process.pid);
  });

  test("does not start again what was stopped, and ends when nobody does", async () => {
    const folder = await runtimeFolder();
    const { started, start } = starter(folder);
    const opened = client(folder, { start, restartMs: 300 });
    await opened.control();
    await started[0]!.stop();
    const reason = await opened.ended;
    expect(reason.error).toMatchObject({ code: "daemon_stopped", kind: "fatal" });
    expect(started).toHaveLength(1);
    await expect(opened.control()).rejects.toMatchObject({ code: "daemon_stopped" });
  });

  test("goes on with the next one after a restart, and knows that one's crash for a crash", async () => {
    const folder = await runtimeFolder();
    const { started, start } = starter(folder);
    let backs = 0;
    const opened = client(folder, { start, onBack: () => (backs += 1) });
    await opened.control();
    await started[0]!.stop();
    const second = await fakeDaemon(folder);
    await vi.waitFor(() => expect(backs).toBe(1), PATIENCE);
    expect(started).toHaveLength(1);
    await second.crash();
    await vi.waitFor(() => expect(backs).toBe(2), PATIENCE);
    expect(started).toHaveLength(2);
  });

  test.each([
    ["1.2.2", /daemon .* 1\.2\.2, older than this command, 1\.2\.3/],
    ["1.10.0", /this command is of version 1\.2\.3, older than the daemon .* 1\.10\.0/],
    ["1.2.3-rc.1", /daemon .* older/],
  ])("refuses a daemon of version %s, and says which is older", async (version, says) => {
    const folder = await runtimeFolder();
    await fakeDaemon(folder, { version });
    const failure = await client(folder)
      .control()
      .catch((thrown: unknown) => thrown as HoldfastError);
    expect(failure).toMatchObject({ code: "version_mismatch", kind: "fatal", hint: /daemon restart/ });
    expect((failure as HoldfastError).text).toMatch(says);
  });

  test("says why the one that was started has ended", async () => {
    const folder = await runtimeFolder();
    const failure = new HoldfastError({ code: "daemon_failed", message: "no room", kind: "fatal" });
    const start = (): Promise<{ ended: Promise<HoldfastError> }> =>
      Promise.resolve({ ended: Promise.resolve(failure) });
    await expect(client(folder, { start }).control()).rejects.toMatchObject({ code: "daemon_failed" });
  });

  test("waits for the one that was there first, when the one that it started gave way", async () => {
    const folder = await runtimeFolder();
    const gaveWay = new HoldfastError({ code: "already_running", message: "another one" });
    const start = (): Promise<{ ended: Promise<HoldfastError> }> =>
      Promise.resolve({ ended: Promise.resolve(gaveWay) });
    const control = client(folder, { start }).control();
    // Longer than one that failed is waited for.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await fakeDaemon(folder);
    expect((await control).hello.command).toBe("daemon");
  });
});

describe("what is asked", () => {
  test("is asked again of the next daemon, if one died before its answer", async () => {
    const folder = await runtimeFolder();
    let heard = 0;
    const first = await fakeDaemon(folder, {
      carryOut: () => {
        heard += 1;
        return new Promise(() => undefined);
      },
    });
    const second = async (): Promise<{ ended: Promise<HoldfastError> }> => {
      await fakeDaemon(folder, {
        carryOut: (request) =>
          Promise.resolve({
            type: "authenticate_initiated",
            id: request.type === "authenticate" ? request.id : 0,
          }),
      });
      return { ended: new Promise(() => undefined) };
    };
    const opened = client(folder, { start: second });
    const answer = opened.ask<"authenticate">({ type: "authenticate", id: 7 });
    await vi.waitFor(() => expect(heard).toBe(1), PATIENCE);
    await first.crash();
    expect(await answer).toEqual({ type: "authenticate_initiated", id: 7 });
  });

  test("is not asked again if it was refused", async () => {
    const folder = await runtimeFolder();
    let heard = 0;
    await fakeDaemon(folder, {
      carryOut: () => {
        heard += 1;
        const message = "there is none";
        return Promise.reject(
          new HoldfastError({ code: "unknown_id", message, kind: "fatal", fault: "peer" }),
        );
      },
    });
    const asked = client(folder).ask<"authenticate">({ type: "authenticate", id: 7 });
    await expect(asked).rejects.toMatchObject({ code: "unknown_id" });
    expect(heard).toBe(1);
  });

  test("is given up if daemons die of it", async () => {
    const folder = await runtimeFolder();
    let heard = 0;
    const poisoned = async (): Promise<{ ended: Promise<HoldfastError> }> => {
      const daemon: FakeDaemon = await fakeDaemon(folder, {
        carryOut: () => {
          heard += 1;
          void daemon.crash();
          return new Promise(() => undefined);
        },
      });
      return { ended: new Promise(() => undefined) };
    };
    const opened = client(folder, { start: poisoned });
    await expect(opened.ask<"authenticate">({ type: "authenticate", id: 7 })).rejects.toMatchObject({
      code: "connection_closed",
    });
    expect(heard).toBe(3);
  });
});

test("each listener hears what is of its topics, also when it comes later, and nothing once it has gone", async () => {
  const folder = await runtimeFolder();
  const { host } = await fakeDaemon(folder);
  const opened = client(folder);
  await opened.control();
  const [forwards, daemons]: [string[], string[]] = [[], []];
  const note =
    (heard: string[]) =>
    (push: Push): void => {
      if (push.type === "event") heard.push(push.event.type);
      if (push.type === "snapshot") heard.push(...push.entries.map(({ type }) => type));
    };
  const stop = opened.listen({ topics: ["forward"], onPush: note(forwards) });
  opened.listen({ topics: ["daemon"], onPush: note(daemons) });
  await vi.waitFor(() => expect(daemons).toContain("daemon"), PATIENCE);
  const add = (): void => {
    host.add({
      kind: "forward",
      name: "local-80",
      status: () => ({
        state: "listening" as const,
        since: "2026-11-22T08:00:00.000Z",
        connection: 1,
        direction: "local" as const,
        listen: null,
        target: null,
        kept: false,
        connections: 0,
        waiting: 0,
        failure: null,
      }),
    });
  };
  add();
  await vi.waitFor(() => expect(forwards).toEqual(["forward_state"]), PATIENCE);
  expect(daemons.filter((type) => type.startsWith("forward"))).toEqual([]);
  stop();
  add();
  const control = await opened.control();
  await control.list();
  expect(forwards).toEqual(["forward_state"]);
});
