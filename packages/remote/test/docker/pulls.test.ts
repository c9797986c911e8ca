// Images that are not here yet: pulled once, for as long as it takes, whatever becomes of the dials that wait for it.
import { randomUUID } from "node:crypto";
import { recordAttempt } from "@holdfast/net/compliance";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "../../src/compliance/demands.ts";
import { docker } from "../../src/docker/docker-plugin.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import type { Backend } from "../../src/plugin/plugin.ts";
import { FakeEngine } from "./fake-engine.ts";

interface Stage {
  readonly engine: FakeEngine;
  readonly backend: Backend;
  readonly woken: () => number;
  /** The image is there from now on. */
  readonly arrive: () => void;
  readonly pulls: () => number;
}

async function stage(): Promise<Stage> {
  const engine = await new FakeEngine().listen();
  let [present, wakes] = [false, 0];
  engine.answers.set("GET /containers/json", () => ({ status: 200, body: [] }));
  engine.answers.set("POST /containers/create", () =>
    present ? { status: 201, body: { Id: "c1" } } : { status: 404, body: { message: "no such image" } },
  );
  const backend = await docker().open(parseDestination("docker+run://image/of:mine"), {
    connectionId: randomUUID(),
    environment: {},
    options: { socket: engine.socket },
    memory: new Map(),
    wake: () => void (wakes += 1),
    warn: () => undefined,
  });
  onTestFinished(() => backend.dispose());
  return {
    engine,
    backend,
    woken: () => wakes,
    arrive: () => void (present = true),
    pulls: () => engine.asked.filter((line) => line.startsWith("POST /images/create")).length,
  };
}

describe("an image that is not here", () => {
  it("is pulled, by its name and tag, and then run", async () => {
    const { engine, backend, arrive, pulls } = await stage();
    const dial = backend.dial(recordAttempt(), UNATTENDED);
    await until(() => engine.pulls.length === 1, "the pull");
    engine.pulls[0]?.write(`${JSON.stringify({ status: "Pulling" })}\nnot json\n`);
    arrive();
    engine.pulls[0]?.end();
    const machine = await dial;
    await machine.ping();
    machine.close();
    expect(pulls()).toBe(1);
    const pulled = engine.asked.find((line) => line.startsWith("POST /images/create"));
    expect(decodeURIComponent(pulled ?? "")).toContain("fromImage=image/of:mine");
    expect(engine.asked.filter((line) => line.startsWith("POST /containers/create"))).toHaveLength(2);
  });

  it("and cannot be had is a failure in the engine's words, which trying again does not mend", async () => {
    const { engine, backend } = await stage();
    const dial = backend.dial(recordAttempt(), UNATTENDED);
    dial.catch(() => undefined);
    await until(() => engine.pulls.length === 1, "the pull");
    // The status was 200; the last line lacks its end.
    engine.pulls[0]?.end(`{"status":"Pulling"}\n{"error":"denied \\u001b[2J for you"}`);
    await expect(dial).rejects.toMatchObject({
      code: "image_unavailable",
      kind: "fatal",
      text: expect.stringContaining("denied \\x1b[2J for you"),
    });
  });

  it("is pulled once, over dials that are given up, and its arrival wakes the line", async () => {
    const { engine, backend, woken, arrive, pulls } = await stage();
    for (let tries = 0; tries < 2; tries++) {
      const attempt = recordAttempt();
      const dial = backend.dial(attempt, UNATTENDED);
      dial.catch(() => undefined);
      const asked = (): number =>
        engine.asked.filter((line) => line.startsWith("POST /containers/create")).length;
      await until(() => asked() === tries + 1 && engine.pulls.length === 1, "the dial waits for the pull");
      attempt.abort(new Error("enough"));
      await expect(dial).rejects.toThrow("enough");
    }
    expect([pulls(), woken()]).toEqual([1, 0]);
    arrive();
    engine.pulls[0]?.end();
    await until(() => woken() === 1, "the line is woken");
    const machine = await backend.dial(recordAttempt(), UNATTENDED);
    machine.close();
    expect(pulls()).toBe(1);
  });

  it("is pulled anew after its engine was lost in the middle", async () => {
    const { engine, backend, pulls } = await stage();
    const dial = backend.dial(recordAttempt(), UNATTENDED);
    dial.catch(() => undefined);
    await until(() => engine.pulls.length === 1, "the pull");
    engine.pulls[0]?.write('{"status":"Pulling"}\n');
    engine.pulls[0]?.destroy();
    await expect(dial).rejects.toMatchObject({ kind: "transient" });
    backend.dial(recordAttempt(), UNATTENDED).catch(() => undefined);
    await until(() => pulls() === 2, "the second pull");
  });

  it("a container that a dial made before it was given up is found by its label, and not made twice", async () => {
    const { engine, backend } = await stage();
    let looked = 0;
    engine.answers.set("GET /containers/json", () => ({
      status: 200,
      body: looked++ === 0 ? [] : [{ Id: "c1", Created: 1 }],
    }));
    engine.answers.set("POST /containers/create", () => ({
      status: 409,
      body: { message: "the name is taken" },
    }));
    const machine = await backend.dial(recordAttempt(), UNATTENDED);
    await machine.ping();
    machine.close();
    expect(looked).toBe(2);
  });

  it("is not pulled on when the connection is ended", async () => {
    const { engine, backend } = await stage();
    const attempt = recordAttempt();
    const dial = backend.dial(attempt, UNATTENDED);
    dial.catch(() => undefined);
    await until(() => engine.pulls.length === 1, "the pull");
    attempt.abort(new Error("enough"));
    await expect(dial).rejects.toThrow("enough");
    await backend.dispose();
    await until(() => engine.connections === 0, "the end of the pull");
  });
});
