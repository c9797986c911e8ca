// What an engine and what runs in a container say reaches people with control characters escaped.
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { recordAttempt } from "@holdfast/net/compliance";
import { describe, expect, it, onTestFinished } from "vitest";
import { docker } from "../../src/docker/docker-plugin.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import { FakeEngine, frame } from "./fake-engine.ts";

const EVIL = "\u001b]0;owned\u0007 \u009b2J \u202Eexe";
const SHOWN = "owned";
const RAW = /[\p{Cc}\u202E]/u;

async function linked(engine: FakeEngine, warnings: string[] = []): Promise<Machine> {
  const backend = await docker().open(parseDestination("docker://box"), {
    connectionId: randomUUID(),
    environment: {},
    options: { socket: engine.socket },
    memory: new Map(),
    wake: () => undefined,
    warn: (text) => void warnings.push(text),
  });
  onTestFinished(() => backend.dispose());
  const machine = await backend.dial(recordAttempt(), UNATTENDED);
  onTestFinished(() => machine.close());
  return machine;
}

async function saidBy(promise: Promise<unknown>): Promise<string> {
  const failure = await promise.then(
    () => undefined,
    (error: unknown) => error as Error & { hint?: string; text?: string },
  );
  expect(failure).toMatchObject({ name: "HoldfastError" });
  return [failure?.message, failure?.text, failure?.hint].join(" ");
}

/** An exec that says this and ends. */
const says =
  (engine: FakeEngine, output: 1 | 2, text: string, code: number) =>
  (socket: Socket, _: readonly string[], exec: string): void => {
    engine.execStates.set(exec, { Running: false, ExitCode: code });
    socket.end(frame(output, text));
  };

describe("control characters", () => {
  it.each([400, 404, 409, 500])("of an engine's refusal with %i are escaped", async (status) => {
    const engine = await new FakeEngine().listen();
    const machine = await linked(engine);
    engine.answers.set("/exec", () => ({ status, body: { message: `no ${EVIL}` } }));
    const text = await saidBy(machine.start({ command: ["true"] }));
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(RAW);
  });

  it("of a container's name are escaped", async () => {
    const engine = await new FakeEngine().listen();
    engine.answers.set("GET /containers/box/json", () => ({
      status: 200,
      body: { Id: "c1", Name: `/${EVIL}`, State: { Running: false }, Config: {} },
    }));
    const text = await saidBy(linked(engine));
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(RAW);
  });

  it("of a container's sh are escaped", async () => {
    const engine = await new FakeEngine().listen();
    const machine = await linked(engine);
    engine.play = says(engine, 1, `hello ${EVIL}\n`.repeat(200), 0);
    const text = await saidBy(machine.start({ command: ["true"] }));
    expect(text).not.toMatch(RAW);
  });

  it("of the programs that files are read with are escaped", async () => {
    const engine = await new FakeEngine().listen();
    const machine = await linked(engine);
    engine.play = says(engine, 2, `cat: ${EVIL}\n`, 1);
    for (const asked of [machine.files.read(`/x${EVIL}`), machine.files.list(`/x${EVIL}`)]) {
      const text = await saidBy(asked);
      expect(text).toContain(SHOWN);
      expect(text).not.toMatch(RAW);
    }
  });

  it("of what a signal met are escaped", async () => {
    const engine = await new FakeEngine().listen();
    const machine = await linked(engine);
    engine.play = (socket) => void socket.write(frame(1, "holdfast 7\n"));
    const process = await machine.start({ command: ["cat"] });
    engine.play = says(engine, 2, `kill: not permitted ${EVIL}`, 1);
    const text = await saidBy(process.signal("TERM"));
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(RAW);
  });

  it.each([
    ["perl", 1, `E refused ${EVIL}\n`],
    ["socat", 2, `socat E connect: ${EVIL}\n`],
    ["nc", 2, `nc: ${EVIL}\n`],
  ] as const)("of why %s could not connect are escaped", async (connector, output, said) => {
    const engine = await new FakeEngine().listen();
    engine.connectors = [connector];
    const machine = await linked(engine);
    engine.play = (socket, _, exec) => {
      engine.execStates.set(exec, { Running: false, ExitCode: 1 });
      socket.end(Buffer.concat([frame(1, "holdfast 7\n"), frame(output, said)]));
    };
    const text = await saidBy(machine.connectTcp("127.0.0.1", 9));
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(RAW);
  });

  it("of names in a folder are in no warning, and names that are paths in no list", async () => {
    const engine = await new FakeEngine().listen();
    const warnings: string[] = [];
    const machine = await linked(engine, warnings);
    const entries = ["f../up", "f/etc/passwd", "d..", "d.", "f", "fgood", "d\u001b[2Jname"];
    engine.play = says(engine, 1, entries.map((entry) => `${entry}\0`).join(""), 0);
    expect(await machine.files.list(`/x${EVIL}`)).toEqual([
      { name: "\u001b[2Jname", type: "directory" },
      { name: "good", type: "file" },
    ]);
    expect(warnings).toEqual([expect.stringMatching(/^5 names in /)]);
    expect(warnings.join("")).not.toMatch(RAW);
  });
});
