// Connections out of a container by each of the programs that it may have: the programs are real, the engine around
// them is not.
import { spawn } from "node:child_process";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Duplex } from "node:stream";
import { recordAttempt } from "@holdfast/net/compliance";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "../../src/compliance/demands.ts";
import { docker } from "../../src/docker/docker-plugin.ts";
import type { Connector } from "../../src/docker/container/probe.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import { all, Service } from "../forward/loopback.ts";
import { FakeEngine, frame } from "./fake-engine.ts";

interface Case {
  readonly connector: Connector;
  /** Its name here; `nc` has several kinds. */
  readonly program: string;
  /** What it cannot do. */
  readonly lacks?: "this end" | "far end";
}

const CASES: readonly Case[] = [
  { connector: "perl", program: "perl" },
  { connector: "python3", program: "python3" },
  { connector: "socat", program: "socat" },
  { connector: "nc", program: "nc.openbsd", lacks: "far end" },
  { connector: "nc", program: "nc.traditional", lacks: "this end" },
  { connector: "nc", program: "busybox" },
];

function fileOf(program: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

/** An engine whose execs are processes of this machine, which find the program by the connector's name. */
async function engineWith({
  connector,
  program,
}: Case): Promise<{ engine: FakeEngine; running: () => number }> {
  const bin = mkdtempSync(join(tmpdir(), "holdfast-connector-"));
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
  symlinkSync(fileOf(program) ?? "", join(bin, connector));
  const engine = await new FakeEngine().listen();
  engine.connectors = [connector];
  let running = 0;
  engine.play = (socket, [file = "", ...args], exec) => {
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"]}`, LC_ALL: "C" };
    const child = spawn(file, args, { env, detached: true });
    running += 1;
    engine.execStates.set(exec, { Running: true });
    child.stdout.on("data", (piece: Buffer) => void socket.write(frame(1, piece)));
    child.stderr.on("data", (piece: Buffer) => void socket.write(frame(2, piece)));
    child.stdin.on("error", () => undefined);
    socket.on("data", (piece: Buffer) => void child.stdin.write(piece)).on("end", () => child.stdin.end());
    child.once("close", (code, signal) => {
      running -= 1;
      engine.execStates.set(exec, { Running: false, ExitCode: signal === null ? code : 137 });
      socket.end();
    });
  };
  return { engine, running: () => running };
}

async function linked(engine: FakeEngine): Promise<Machine> {
  const context = {
    connectionId: randomUUID(),
    environment: {},
    options: { socket: engine.socket },
    memory: new Map<string, string>(),
    wake: () => undefined,
    warn: () => undefined,
  };
  const backend = await docker().open(parseDestination("docker://box"), context);
  onTestFinished(() => backend.dispose());
  const machine = await backend.dial(recordAttempt(), UNATTENDED);
  onTestFinished(() => machine.close());
  return machine;
}

async function served(serve: (socket: Socket) => void): Promise<Service> {
  const service = await Service.start(serve);
  onTestFinished(() => service.stop());
  return service;
}

const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const gone = (stream: Duplex): Promise<void> => new Promise((resolve) => void stream.once("close", resolve));

/** What a program cannot do is no case, and none that is skipped. */
const unless = (lacking: boolean): ((name: string, run: () => Promise<void>) => void) =>
  lacking ? () => undefined : (name, run) => it(name, run);

for (const each of CASES) {
  const there = fileOf(each.program) !== undefined;
  if (!there) process.stderr.write(`skipped: connections by ${each.program}: it is not installed here\n`);

  describe.skipIf(!there)(`a connection by ${each.connector} (${each.program})`, () => {
    it("carries bytes both ways, whole", async () => {
      const { engine, running } = await engineWith(each);
      const service = await served((socket) => void socket.pipe(socket));
      const stream = await (await linked(engine)).connectTcp("127.0.0.1", service.port);
      const sent = randomBytes(1_000_000);
      const back: Buffer[] = [];
      stream.on("data", (piece: Buffer) => void back.push(piece));
      stream.write(sent);
      await until(() => back.reduce((sum, { length }) => sum + length, 0) === sent.length, "all bytes");
      expect(hash(Buffer.concat(back))).toBe(hash(sent));
      stream.destroy();
      await until(() => running() === 0, "the end of the program");
    });

    unless(each.lacks === "this end")(
      "is told the end of this side, and gives what comes after it",
      async () => {
        const { engine, running } = await engineWith(each);
        const service = await served((socket) => {
          socket.resume().once("end", () => void setTimeout(() => socket.end("after the end"), 700));
        });
        const stream = await (await linked(engine)).connectTcp("127.0.0.1", service.port);
        stream.end("request");
        expect(String(await all(stream))).toBe("after the end");
        await until(() => running() === 0, "the end of the program");
      },
    );

    unless(each.lacks === "far end")("ends when the far side ends", async () => {
      const { engine, running } = await engineWith(each);
      const service = await served((socket) => void socket.end("all of it"));
      const stream = await (await linked(engine)).connectTcp("127.0.0.1", service.port);
      const text = await all(stream);
      expect(String(text)).toBe("all of it");
      stream.end();
      await until(() => running() === 0, "the end of the program");
    });

    it("ends by itself once both sides have ended", async () => {
      const { engine, running } = await engineWith(each);
      const service = await served((socket) => void socket.end("all of it"));
      const stream = await (await linked(engine)).connectTcp("127.0.0.1", service.port);
      stream.end("x");
      expect(String(await all(stream))).toBe("all of it");
      await until(() => running() === 0, "the end of the program");
    });

    it("is refused with a reason", async () => {
      const { engine } = await engineWith(each);
      const machine = await linked(engine);
      const service = await Service.start(() => undefined);
      const { port } = service;
      service.stop();
      await expect(machine.connectTcp("127.0.0.1", port)).rejects.toMatchObject({
        code: "connection_refused",
        fault: "peer",
      });
    });

    unless(each.connector === "nc")("that the far side resets is broken, and not ended", async () => {
      const { engine, running } = await engineWith(each);
      const service = await served((socket) => void socket.once("data", () => socket.resetAndDestroy()));
      const stream = await (await linked(engine)).connectTcp("127.0.0.1", service.port);
      stream.on("error", () => undefined).resume();
      stream.write("x");
      await gone(stream);
      expect(stream.errored).toMatchObject({ code: "connection_reset" });
      expect(stream.readableEnded).toBe(false);
      await until(() => running() === 0, "the end of the program");
    });
  });
}
