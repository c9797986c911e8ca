// A connection to a served machine says how its session's links are, whatever happens to them.
import { tcp } from "@holdfast/net/node";
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import { expect, it, onTestFinished } from "vitest";
import type { Connection, ConnectionStatus } from "../../src/connection/connection.ts";
import { openConnection, type OpenConnectionOptions } from "../../src/connection/open-connection.ts";
import { pluginRegistry } from "../../src/connection/registry.ts";
import { holdfastPlugin } from "../../src/native/index.ts";
import { readAll, startServer, until, type Server } from "./stage.ts";

interface Scene {
  readonly server: Server;
  readonly proxy: FaultyProxy;
  readonly connection: Connection;
  /** Every status that a reader saw. */
  readonly seen: ConnectionStatus[];
}

async function connected(options: Partial<OpenConnectionOptions> = {}): Promise<Scene> {
  const server = await startServer();
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: server.port } });
  const port = "port" in proxy.endpoint ? proxy.endpoint.port : 0;
  const connection = await openConnection({
    plugins: pluginRegistry([holdfastPlugin({ access: (to) => ({ dial: tcp(to) }) })]),
    destination: `holdfast://127.0.0.1:${port}`,
    id: "1",
    policy: { backoff: { initialMs: 100, maxMs: 100 } },
    ...options,
  });
  const seen: ConnectionStatus[] = [];
  const watch = async (): Promise<void> => {
    for await (const status of connection.changes()) seen.push(status);
  };
  void watch();
  onTestFinished(async () => {
    await connection.close();
    await proxy.close();
    await server.close();
  });
  await until(() => connection.status.state === "connected");
  return { server, proxy, connection, seen };
}

it("is shown reconnecting with the links below, and connected with the next epoch, over one machine", async () => {
  const { proxy, connection, seen } = await connected();
  const machine = await connection.machine();
  const process = await machine.start({ command: ["sh", "-c", "read x; echo $x; exit 5"] });
  process.stderr.resume();
  const text = readAll(process.stdout);
  expect(connection.openStreams).toBeGreaterThanOrEqual(4);
  await proxy.refuse();
  proxy.cut();
  await until(() => {
    const { status } = connection;
    return status.state === "reconnecting" && status.phase === "waiting" && status.failures >= 2;
  });
  const { status } = connection;
  expect(status).toMatchObject({ state: "reconnecting", epoch: 1 });
  expect(status.attempt).toBeGreaterThanOrEqual(2);
  expect(status.failure?.code).toBe("connection_refused");
  expect("retryAt" in status && status.retryAt > status.since - 1).toBe(true);
  expect(status.lastHeard).toBeLessThanOrEqual(status.since);
  // What waits does not have to: the machine is there all the time.
  expect(await connection.machine()).toBe(machine);
  process.stdin.write("over the gap\n");
  await proxy.heal();
  await until(() => connection.status.state === "connected");
  expect(connection.status).toMatchObject({ epoch: 2, attempt: 0 });
  expect(await process.ended).toEqual({ code: 5 });
  expect((await text).toString()).toBe("over the gap\n");
  expect(await connection.machine()).toBe(machine);
  const epochs = seen.filter(({ state }) => state === "connected").map(({ epoch }) => epoch);
  expect([...new Set(epochs)]).toEqual([1, 2]);
  expect(seen.some(({ state }) => state === "reconnecting")).toBe(true);
});

it("stays reconnecting for as long as the links are away, and does not give the session up", async () => {
  const { proxy, connection } = await connected({
    health: { intervalMs: 50, timeoutMs: 200, failures: 0, byPlugin: true },
    policy: { backoff: { initialMs: 100, maxMs: 100 }, dialTimeoutMs: 300 },
  });
  const machine = await connection.machine();
  const process = await machine.start({ command: ["cat"] });
  proxy.blackhole();
  await until(() => connection.status.state === "reconnecting");
  expect(connection.status.failure?.code).toBe("no_life");
  // Far longer than any timeout of the line above would have borne.
  await until(() => connection.status.attempt >= 2);
  await proxy.heal();
  proxy.cut();
  await until(() => connection.status.state === "connected");
  expect(await connection.machine()).toBe(machine);
  process.stdin.end("still here");
  expect((await readAll(process.stdout)).toString()).toBe("still here");
});

it("counts on when the session is lost and another begins", async () => {
  const { server, proxy, connection } = await connected();
  const machine = await connection.machine();
  proxy.cut();
  await until(() => connection.status.state === "connected" && connection.status.epoch === 2);
  for (const session of server.host.sessions()) void session.close();
  await until(() => connection.status.state === "connected" && connection.status.epoch === 3);
  expect(await connection.machine({ after: machine })).not.toBe(machine);
  proxy.cut();
  await until(() => connection.status.state === "connected" && connection.status.epoch === 4);
});

it("dials at once when it is told to, and is not replaced while something runs in it", async () => {
  const { proxy, connection } = await connected({
    policy: { backoff: { initialMs: 60_000, maxMs: 60_000 } },
    random: () => 0.9,
  });
  const machine = await connection.machine();
  const process = await machine.start({ command: ["cat"] });
  await connection.reconnect();
  expect(await connection.machine()).toBe(machine);
  await proxy.refuse();
  proxy.cut();
  await until(() => "retryAt" in connection.status);
  await expect(connection.reconnect()).rejects.toMatchObject({ code: "connection_refused" });
  await proxy.heal();
  await connection.reconnect();
  expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
  process.stdin.end("x");
  process.stdout.resume();
  process.stderr.resume();
  expect(await process.ended).toEqual({ code: 0 });
  // Nothing runs any more: a new session takes the place of the old one, made first.
  await until(() => connection.openStreams === 0);
  const { since } = connection.status;
  await connection.reconnect();
  expect(connection.status).toMatchObject({ state: "connected", epoch: 3, since });
  expect(await connection.machine()).not.toBe(machine);
});

it("is disconnected at the first loss if it is told not to reconnect, and can be reconnected by hand", async () => {
  const { proxy, connection } = await connected({ reconnect: false });
  proxy.cut();
  await until(() => connection.status.state === "disconnected");
  expect(connection.status).toMatchObject({ reason: { code: "no_reconnect" }, epoch: 1 });
  await connection.reconnect();
  expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
});

it("gives up once, when its tries are over", async () => {
  const { proxy, connection, seen } = await connected({
    policy: { backoff: { initialMs: 100, maxMs: 100 }, maxAttempts: 3 },
  });
  await proxy.refuse();
  proxy.cut();
  await until(() => connection.status.state === "disconnected");
  expect(connection.status).toMatchObject({ reason: { code: "gave_up" } });
  expect(Math.max(...seen.map(({ attempt }) => attempt))).toBeLessThanOrEqual(4);
});
