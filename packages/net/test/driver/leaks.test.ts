// DESIGN section 5, rule 17: nothing is left behind. A thousand lines, real processes, real garbage collection.
import { spawn } from "node:child_process";
import { getEventListeners, setMaxListeners } from "node:events";
import { fileURLToPath } from "node:url";
import { connect, type Line, type Link } from "@holdfast/net";
import { rolldown } from "rolldown";
import { describe, expect, test, vi } from "vitest";
import { type FakeLink, Stage, settle } from "./stage.ts";

describe("a thousand lines", () => {
  test("rule 17: opened and closed, in every state, leave no timer, listener, link or reader", async () => {
    const stage = new Stage();
    const controller = new AbortController();
    const { signal } = controller;
    setMaxListeners(0, signal);
    const wakes = new Set<unknown>();
    const lines: Line<FakeLink>[] = [];
    const readers: Promise<unknown>[] = [];
    for (let i = 0; i < 1_000; i++) {
      const line = stage.line({
        signal,
        wakes: [(wake) => (wakes.add(wake), () => void wakes.delete(wake))],
      });
      lines.push(line);
      readers.push(line.changes({ signal }).next(), line.livenessChanges().next());
    }
    await settle();
    for (const [i, call] of stage.calls.entries()) {
      if (i % 4 === 0) continue;
      void (i % 4 === 1 ? call.fail(new Error("no")) : call.open());
    }
    await settle();
    for (const [i, call] of stage.calls.entries()) if (i % 4 === 3) call.attempt.lost();
    const states = new Set(lines.map(({ status }) => ("phase" in status ? status.phase : status.state)));
    expect(states).toEqual(new Set(["dialing", "waiting", "connected"]));
    expect(stage.clock.armed).toBe(1_000);
    expect(getEventListeners(signal, "abort").length).toBeGreaterThanOrEqual(1_000);

    await Promise.all(lines.map((line) => line.close()));
    await Promise.all(readers);
    for (const call of stage.calls) await call.open();
    expect(stage.clock.armed).toBe(0);
    expect(wakes.size).toBe(0);
    expect(stage.openLinks).toBe(0);
    expect(lines.every(({ status }) => status.state === "disconnected")).toBe(true);
  });

  test("rule 17: the signal keeps none of the lines that ended before it", async () => {
    const stage = new Stage();
    const { signal } = new AbortController();
    for (let i = 0; i < 1_000; i++) await stage.line({ signal }).close();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("rule 14: readers that break out leave nothing that the line or the signal holds", async () => {
    const stage = new Stage();
    const { signal } = new AbortController();
    const line = await stage.up();
    for (let i = 0; i < 1_000; i++) {
      for await (const _ of line.changes({ signal })) break;
      for await (const _ of line.livenessChanges({ signal })) break;
      await line.ready({ signal });
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await line.close();
  });

  test("the machine's own clock leaves no timer either", async () => {
    const [armed, cleared] = [vi.spyOn(globalThis, "setTimeout"), vi.spyOn(globalThis, "clearTimeout")];
    try {
      const dial = (): Promise<Link> => new Promise(() => undefined);
      const lines = Array.from({ length: 1_000 }, () => connect({ dial, dialTimeoutMs: 9_876_543 }));
      await settle();
      const handles = armed.mock.calls.flatMap(([, ms], i) =>
        (ms ?? 0) > 9_000_000 ? [armed.mock.results[i]?.value] : [],
      );
      expect(handles, "each has the deadline of its dial").toHaveLength(1_000);
      await Promise.all(lines.map((line) => line.close()));
      const gone = new Set<unknown>(cleared.mock.calls.map(([handle]) => handle));
      expect(handles.every((handle) => gone.has(handle))).toBe(true);
    } finally {
      armed.mockRestore();
      cleared.mockRestore();
    }
  });
});

describe("a process", () => {
  test.each(["waiting", "dialing", "connected", "vetoed"])(
    "rule 17: can exit as soon as its line has ended: %s",
    async (where) => {
      const program = await bundled(fileURLToPath(new URL("./one-line.ts", import.meta.url)));
      const args = ["--input-type=module", "--eval", program, where];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
      let [out, err] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      const code = await new Promise((resolve) => child.on("close", resolve));
      expect(err).toBe("");
      // The line would have waited for minutes: had anything been left, the process would have, too.
      expect({ code, out }).toEqual({ code: 0, out: `${where}: ended\n` });
    },
  );
});

/** The program as one text that any Node runs. */
async function bundled(input: string): Promise<string> {
  const bundle = await rolldown({
    input,
    platform: "node",
    resolve: { conditionNames: ["@holdfast/source"] },
    external: /^node:/,
  });
  const { output } = await bundle.generate({ format: "es" });
  await bundle.close();
  return output[0].code;
}
