// The docker plugin against an engine that does what a test wants: odd answers, silence, and ends that are none.
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { recordAttempt, type RecordedAttempt } from "@holdfast/net/compliance";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { docker } from "../../src/docker/docker-plugin.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import type { Backend, PluginContext } from "../../src/plugin/plugin.ts";
import { FakeEngine, frame } from "./fake-engine.ts";

const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 15_000, interval: 5 });

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function context(engine: FakeEngine, wake: () => void = () => undefined): PluginContext {
  const memory = new Map<string, string>();
  const warn = (): void => undefined;
  return {
    connectionId: randomUUID(),
    environment: {},
    options: { socket: engine.socket },
    memory,
    wake,
    warn,
  };
}

async function opened(engine: FakeEngine, destination = "docker://box", wake?: () => void): Promise<Backend> {
  const backend = await docker().open(parseDestination(destination), context(engine, wake));
  onTestFinished(() => backend.dispose());
  return backend;
}

async function linked(
  engine: FakeEngine,
): Promise<{ machine: Machine; attempt: RecordedAttempt; backend: Backend }> {
  const backend = await opened(engine);
  const attempt = recordAttempt();
  const machine = await backend.dial(attempt, UNATTENDED);
  onTestFinished(() => machine.close());
  return { machine, attempt, backend };
}

describe("docker, when the engine is odd", () => {
  it.each([
    [409, "container box is not running"],
    [500, "can only create exec sessions on running containers: container state improper"],
  ])("a stopped container is one state, whether it is called %i or not", async (status, message) => {
    const engine = await new FakeEngine().listen();
    const { machine } = await linked(engine);
    engine.answers.set("/exec", () => ({ status, body: { message } }));
    await expect(machine.start({ command: ["true"] })).rejects.toMatchObject({ code: "container_stopped" });
  });

  it("a resize that is answered with 201 has succeeded", async () => {
    const engine = await new FakeEngine().listen();
    engine.answers.set("/resize", () => ({ status: 201 }));
    engine.play = (socket) => void socket.write("holdfast 7\r\n");
    const { machine, attempt } = await linked(engine);
    const process = await machine.start({ command: ["top"], terminal: { rows: 5, columns: 6 } });
    process.resize({ rows: 7, columns: 8 });
    await until(() => engine.asked.some((line) => line.includes("h=7&w=8")));
    await machine.ping();
    expect(attempt.losses).toEqual([]);
  });

  it("a stream that ends without an exit code is a loss, and what was read of it stays", async () => {
    const engine = await new FakeEngine().listen();
    const { machine } = await linked(engine);
    engine.execState = { Running: true, ExitCode: 0 };
    engine.play = (socket) => socket.end(Buffer.concat([frame(1, "holdfast 7\n"), frame(1, "half")]));
    const process = await machine.start({ command: ["x"] });
    let heard = "";
    process.stdout.on("data", (chunk: Buffer) => void (heard += chunk.toString()));
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
    expect(heard).toBe("half");
    expect(process.stdout.readableEnded).toBe(false);
  });

  it("a stream that ends inside a frame is a loss, whatever the exit code", async () => {
    const engine = await new FakeEngine().listen();
    const { machine } = await linked(engine);
    engine.play = (socket) =>
      socket.end(Buffer.concat([frame(1, "holdfast 7\n"), frame(1, "cut").subarray(0, 9)]));
    const process = await machine.start({ command: ["x"] });
    process.stdout.resume();
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
  });

  it("output is whole though the input was never read", async () => {
    const engine = await new FakeEngine().listen();
    const { machine } = await linked(engine);
    engine.play = (socket) => {
      socket.write(frame(1, "holdfast 7\n"));
      socket.once("readable", () => {
        socket.write(frame(1, "x".repeat(50_000)), () => setTimeout(() => socket.destroy(), 20));
      });
    };
    const process = await machine.start({ command: ["head"] });
    const output = readAll(process.stdout);
    for (let i = 0; i < 64; i++) process.stdin.write(Buffer.alloc(65_536));
    process.stdin.end();
    expect((await output).length).toBe(50_000);
    expect(await process.ended).toEqual({ code: 0 });
  });

  it("output that waits to be read outlives input that nobody takes any more", async () => {
    const engine = await new FakeEngine().listen();
    const { machine } = await linked(engine);
    let over = false;
    // More than is kept here, and less than that and what the system keeps: the end of it waits in the socket.
    const output = "x".repeat(330_000);
    engine.play = (socket) => {
      socket.once("close", () => (over = true));
      socket.write(frame(1, "holdfast 7\n"));
      socket.write(frame(1, output), () => socket.destroy());
    };
    const process = await machine.start({ command: ["head", "-c", "330000"] });
    await until(() => over);
    await new Promise<void>((resolve) => void process.stdin.write("nobody reads this", () => resolve()));
    const pieces: Buffer[] = [];
    for await (const piece of process.stdout as AsyncIterable<Buffer>) pieces.push(piece);
    expect(Buffer.concat(pieces)).toHaveLength(output.length);
    expect(await process.ended).toEqual({ code: 0 });
  });

  it("an engine that says nothing fails a ping by its deadline, and not the link", async () => {
    const engine = await new FakeEngine().listen();
    const { machine, attempt } = await linked(engine);
    engine.answers.set("/_ping", () => undefined);
    await expect(machine.ping()).rejects.toMatchObject({ code: "timed_out" });
    engine.answers.delete("/_ping");
    await machine.ping();
    expect(attempt.losses).toEqual([]);
  });

  it.each([
    [
      "is gone",
      (engine: FakeEngine) =>
        void engine.answers.set("GET /containers/c1/json", () => ({ status: 404, body: {} })),
      "container_gone",
    ],
    ["was started anew", (engine: FakeEngine) => void (engine.startedAt = "now"), "container_gone"],
    ["is stopped", (engine: FakeEngine) => void (engine.running = false), "container_stopped"],
  ])("a container that %s ends the link with the first ping", async (_, change, code) => {
    const engine = await new FakeEngine().listen();
    const { machine, attempt } = await linked(engine);
    change(engine);
    await expect(machine.ping()).rejects.toMatchObject({ code: "link_lost" });
    expect(attempt.losses).toEqual([expect.objectContaining({ code })]);
    await expect(machine.ping()).rejects.toMatchObject({ code: "not_connected" });
  });

  it("the end of the event stream is the end of the link", async () => {
    const engine = await new FakeEngine().listen();
    const { attempt } = await linked(engine);
    await until(() => engine.eventStreams.length === 1);
    engine.eventStreams[0]?.destroy();
    await until(() => attempt.losses.length === 1);
    expect(attempt.losses[0]).toMatchObject({ code: "engine_unreachable" });
  });

  it("an engine without events is linked to all the same", async () => {
    const engine = await new FakeEngine().listen();
    engine.answers.set("/events", () => ({ status: 500, body: { message: "no events here" } }));
    const { machine, attempt } = await linked(engine);
    await machine.ping();
    expect(attempt.losses).toEqual([]);
  });

  it("a stopped container is never started, and its start wakes the line", async () => {
    const engine = await new FakeEngine().listen();
    engine.running = false;
    let wakes = 0;
    const backend = await opened(engine, "docker://box", () => void (wakes += 1));
    await expect(backend.dial(recordAttempt(), UNATTENDED)).rejects.toMatchObject({
      code: "container_stopped",
    });
    await until(() => engine.eventStreams.length > 0);
    engine.eventStreams.at(-1)?.write(`${JSON.stringify({ Action: "start", Actor: { ID: "c1" } })}\n`);
    await until(() => wakes === 1);
    expect(engine.asked.filter((line) => line.includes("/start"))).toEqual([]);
    await backend.dispose();
    await until(() => engine.connections === 0);
  });

  it("a closed link leaves no connection open", async () => {
    const engine = await new FakeEngine().listen();
    engine.play = (socket) => {
      socket.resume().once("end", () => socket.end());
      socket.write(frame(1, "holdfast 7\n"));
    };
    const { machine, backend } = await linked(engine);
    await machine.start({ command: ["x"] });
    engine.play = (socket) => socket.end();
    machine.close();
    await backend.dispose();
    await until(() => engine.connections === 0);
  });

  it("what waited for a container's start ends once it is linked to", async () => {
    const engine = await new FakeEngine().listen();
    engine.running = false;
    let wakes = 0;
    const backend = await opened(engine, "docker://box", () => void (wakes += 1));
    await expect(backend.dial(recordAttempt(), UNATTENDED)).rejects.toMatchObject({
      code: "container_stopped",
    });
    await until(() => engine.eventStreams.length === 1);
    engine.running = true;
    const machine = await backend.dial(recordAttempt(), UNATTENDED);
    await until(() => engine.eventStreams[0]?.closed === true);
    await until(() => engine.eventStreams.length === 2);
    expect(engine.eventStreams[1]?.closed).toBe(false);
    machine.close();
  });

  it("a command of ours that says more than anybody can use is cut off, and the link lives on", async () => {
    const engine = await new FakeEngine().listen();
    const { machine } = await linked(engine);
    const piece = frame(1, `f${"n".repeat(100)}\0`.repeat(10_000));
    let sent = 0;
    engine.play = (socket) => {
      const more = (): void => {
        sent += piece.length;
        if (sent < 100_000_000 && !socket.destroyed) socket.write(piece, more);
      };
      more();
    };
    await expect(machine.files.list("/x")).rejects.toMatchObject({ code: "too_large" });
    expect(sent).toBeLessThan(30_000_000);
    engine.play = (socket) => socket.end();
    await machine.ping();
  });

  it("this process's own DOCKER_HOST is not looked at", async () => {
    vi.stubEnv("DOCKER_HOST", "tcp://192.0.2.1:1");
    onTestFinished(() => void vi.unstubAllEnvs());
    const engine = await new FakeEngine().listen();
    const { machine } = await linked(engine);
    await machine.ping();
  });
});
