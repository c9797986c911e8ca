// A server of machines: whom it lets in, what it tells of them, and when it lets go of them.
import { connect as connectSocket, type Socket } from "node:net";
import type { HoldfastError } from "@holdfast/core";
import { VirtualClock } from "@holdfast/core/testing";
import { nodeCrypto, tcp } from "@holdfast/net/node";
import { openSession, type OpenSessionOptions, type SessionLine } from "@holdfast/net/session";
import { startFaultyProxy } from "@holdfast/net/testing";
import { expect, it, onTestFinished } from "vitest";
import {
  sessionMachine,
  startMachineServer,
  type MachineServer,
  type MachineServerEvent,
  type MachineServerOptions,
  type SessionMachine,
} from "../../src/native/index.ts";
import { readAll, thisMachine, until } from "./stage.ts";

interface Scene {
  readonly server: MachineServer;
  readonly port: number;
  readonly events: MachineServerEvent[];
}

async function serve(options: Partial<MachineServerOptions> = {}): Promise<Scene> {
  const events: MachineServerEvent[] = [];
  const server = await startMachineServer({
    port: 0,
    machine: thisMachine,
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => server.close());
  return { server, port: "port" in server.endpoint ? server.endpoint.port : 0, events };
}

interface Client {
  readonly line: SessionLine;
  readonly machine: SessionMachine;
}

async function connected(port: number, options: Partial<OpenSessionOptions> = {}): Promise<Client> {
  let machine: SessionMachine | undefined = undefined;
  const line = openSession({
    crypto: nodeCrypto(),
    dial: tcp({ host: "127.0.0.1", port }),
    backoff: { initialMs: 100, maxMs: 100 },
    onSession: (session) => void (machine ??= sessionMachine(session)),
    ...options,
  });
  onTestFinished(() => line.close());
  await line.line.ready();
  if (machine === undefined) throw new Error("no session");
  return { line, machine };
}

const KEY = new Uint8Array(32).fill(7);
const typesOf = (events: readonly MachineServerEvent[]): string[] => events.map(({ type }) => type);

it("does not start where everybody who can reach it could run programs", async () => {
  for (const bind of ["0.0.0.0", "::", "192.0.2.1", "example.com"]) {
    await expect(startMachineServer({ bind, port: 0, machine: thisMachine })).rejects.toMatchObject({
      code: "anonymous_server",
      kind: "fatal",
    });
  }
});

it("lets in who knows the secret, tells of sessions and processes, and a new secret drops nobody", async () => {
  const { server, port, events } = await serve({ secret: "open sesame" });
  await expect(connected(port)).rejects.toMatchObject({ code: "secret_required" });
  await expect(connected(port, { secret: "wrong" })).rejects.toMatchObject({ code: "bad_secret" });
  const { line, machine } = await connected(port, { secret: "open sesame" });
  const process = await machine.start({ command: ["sh", "-c", "read x; echo $x"] });
  const text = readAll(process.stdout);
  process.stderr.resume();
  expect(server.status).toMatchObject({ sessions: 1, attached: 1, processes: 1 });
  server.useSecret("another");
  await expect(connected(port, { secret: "open sesame" })).rejects.toMatchObject({ code: "bad_secret" });
  process.stdin.end("still here\n");
  expect((await text).toString()).toBe("still here\n");
  await process.ended;
  await connected(port, { secret: "another" });
  await line.close();
  await until(() => server.status.sessions === 1);
  expect(events).toContainEqual({
    type: "refused",
    remoteAddress: "127.0.0.1",
    reason: "unauthorized",
    ownerId: undefined,
  });
  expect(events).toContainEqual({
    type: "process_started",
    process: expect.any(Number) as number,
    command: ["sh", "-c", "read x; echo $x"],
    session: 1,
    remoteAddress: "127.0.0.1",
    ownerId: undefined,
  });
  const ofFirst = events.filter((event) => "session" in event && event.session === 1);
  expect(typesOf(ofFirst)).toEqual(["session_began", "process_started", "process_ended", "session_ended"]);
});

it("lets in the owners that are authorized at that moment, and says whom it refused", async () => {
  const allowed = new Set<string>();
  const { port, events } = await serve({ authorizedOwners: () => allowed });
  await expect(connected(port)).rejects.toMatchObject({ code: "secret_required" });
  await expect(connected(port, { ownerKey: KEY })).rejects.toMatchObject({ code: "secret_required" });
  const refused = events.filter((event) => event.type === "refused");
  expect(refused.map(({ ownerId }) => ownerId?.length)).toEqual([undefined, 32]);
  allowed.add(refused[1]?.ownerId ?? "");
  const { machine } = await connected(port, { ownerKey: KEY });
  allowed.clear();
  // Who is here stays.
  expect((await machine.systemInfo()).family).toBe("unix");
  await expect(connected(port, { ownerKey: KEY })).rejects.toMatchObject({ code: "secret_required" });
});

it("ends what a session runs with the session, and everything with itself", async () => {
  const { server, port } = await serve();
  const one = await connected(port);
  const other = await connected(port);
  const process = await one.machine.start({ command: ["sh", "-c", "echo $$; exec sleep 600"] });
  const pid = await new Promise<number>((resolve) =>
    process.stdout.once("data", (text: Buffer) => resolve(Number(text.toString()))),
  );
  await one.line.close();
  await until(() => !isAlive(pid));
  await other.machine.start({ command: ["sleep", "600"] });
  expect(server.status).toMatchObject({ sessions: 1, processes: 1 });
  await server.close();
  expect(server.status).toMatchObject({ sessions: 0, processes: 0 });
});

it("drains: takes no new session, and lets a process finish", async () => {
  const { server, port } = await serve();
  const { machine } = await connected(port);
  const process = await machine.start({ command: ["sh", "-c", "read x; echo $x"] });
  const text = readAll(process.stdout);
  process.stderr.resume();
  const drained = server.drain(20_000);
  await until(() => server.status.draining);
  await expect(connected(port)).rejects.toMatchObject({ code: "draining" });
  process.stdin.end("done\n");
  expect((await text).toString()).toBe("done\n");
  await drained;
  expect(server.status.sessions).toBe(0);
});

it("hangs up after so many heartbeats in a row without a byte, and an answer in between counts anew", async () => {
  const clock = new VirtualClock();
  const { port, server, events } = await serve({
    clock,
    heartbeatIntervalMs: 5_000,
    maxHeartbeatFailures: 3,
  });
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port } });
  onTestFinished(() => proxy.close());
  const { machine } = await connected("port" in proxy.endpoint ? proxy.endpoint.port : 0);
  for (let round = 0; round < 2; round++) {
    proxy.apply({ kind: "half_open" });
    // Pings after 5, 10 and 15 s that bring nothing; the third could still be answered.
    for (let second = 0; second < 19; second++) clock.advance(1_000);
    await proxy.heal();
    await machine.ping();
  }
  expect(typesOf(events)).toEqual(["session_began"]);
  proxy.apply({ kind: "half_open" });
  for (let second = 0; second < 20; second++) clock.advance(1_000);
  expect(typesOf(events)).toEqual(["session_began", "session_away"]);
  expect(server.status).toMatchObject({ sessions: 1, attached: 0 });
});

it("never hangs up for silence if heartbeats may fail as often as they like", async () => {
  const clock = new VirtualClock();
  const { port, events } = await serve({ clock, maxHeartbeatFailures: 0 });
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port } });
  onTestFinished(() => proxy.close());
  const { machine } = await connected("port" in proxy.endpoint ? proxy.endpoint.port : 0);
  proxy.apply({ kind: "half_open" });
  for (let minute = 0; minute < 24 * 60; minute++) clock.advance(60_000);
  await proxy.heal();
  await machine.ping();
  expect(typesOf(events)).toEqual(["session_began"]);
});

it("gives strangers a little time and a few bytes, and few tries", async () => {
  const clock = new VirtualClock();
  const { port, events } = await serve({ clock, secret: "s", limits: { failedAuthenticationsPerMinute: 3 } });
  const silent = await socketTo(port);
  silent.write(Buffer.from([1]));
  const flood = await socketTo(port);
  flood.write(Buffer.alloc(65_536, 1));
  await until(() => flood.closed);
  // The timer of the handshake is armed when the first byte has come.
  await until(() => {
    clock.advance(1_000);
    return silent.closed;
  });
  for (let tries = 0; tries < 3; tries++) {
    await expect(connected(port, { secret: "wrong" })).rejects.toMatchObject({ code: "bad_secret" });
  }
  const unheard = connected(port, { secret: "s" });
  await expect(unheard).rejects.toMatchObject({ kind: "transient" });
  clock.advance(60_001);
  await connected(port, { secret: "s" });
  const refused = events.filter((event) => event.type === "refused").map(({ reason }) => reason);
  expect(refused.filter((reason) => reason === "unauthorized")).toHaveLength(3);
});

it("goes on when its machine cannot be had, and when whoever listens throws", async () => {
  let failure: HoldfastError | undefined = undefined;
  let tries = 0;
  const { port } = await serve({
    machine: () => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error("not today")) : thisMachine();
    },
    onEvent: () => {
      throw new Error("a listener");
    },
  });
  const { machine } = await connected(port);
  await machine.systemInfo().catch((thrown: HoldfastError) => (failure = thrown));
  expect(failure).toBeDefined();
  expect((await machine.systemInfo()).family).toBe("unix");
  await machine.systemInfo();
  expect(tries).toBe(2);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function socketTo(port: number): Promise<Socket> {
  const socket = connectSocket({ host: "127.0.0.1", port });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined).resume();
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return socket;
}
