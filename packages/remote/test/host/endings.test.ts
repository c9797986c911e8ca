// What a link to this machine started ends with it, even what does not want to.
import { systemClock } from "@holdfast/net";
import type { Clock } from "@holdfast/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { signalGroup } from "../../src/children.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import type { Process } from "../../src/plugin/process.ts";
import { recordAttempt } from "@holdfast/net/compliance";
import { hostPlugin } from "../../src/host/host-plugin.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import { contextOf, countHandles, dialHost } from "./arena.ts";

const PATIENCE = { timeout: 20_000, interval: 5 };
const SIZE = { rows: 24, columns: 80 };
/** Five seconds pass in 50 ms. */
const FAST: Clock = {
  mono: () => systemClock.mono() * 100,
  wall: () => systemClock.wall(),
  timer: (fire) => {
    const timer = systemClock.timer(fire);
    return { set: (ms) => timer.set(ms / 100), clear: () => timer.clear() };
  },
};

let machine: Machine | undefined;
afterEach(() => machine?.close());

/** Start a line that says its process's id first. */
async function startLine(line: string, onTerminal: boolean): Promise<{ pid: number; process: Process }> {
  const command = ["sh", "-c", `echo pid=$$.; ${line}`] as const;
  const process = await machine!.start(onTerminal ? { command, terminal: SIZE } : { command });
  let text = "";
  process.stdout.on("data", (piece: Buffer) => void (text += piece.toString()));
  process.stderr.resume();
  await vi.waitFor(() => expect(text).toMatch(/pid=\d+\./), PATIENCE);
  if (line.includes("echo ready")) await vi.waitFor(() => expect(text).toContain("ready"), PATIENCE);
  return { pid: Number(/pid=(\d+)\./.exec(text)?.[1]), process };
}

describe.each([false, true])("a process of a link that is closed (on a terminal: %s)", (onTerminal) => {
  it("ends with what it started", async () => {
    machine = await dialHost();
    const { pid } = await startLine("sleep 600 & sleep 600", onTerminal);
    expect(signalGroup(pid, 0)).toBe(true);
    machine.close();
    await vi.waitFor(() => expect(signalGroup(pid, 0)).toBe(false), PATIENCE);
  });

  it("is asked first, and has time", async () => {
    machine = await dialHost();
    const { pid, process } = await startLine(
      "trap 'echo bye; sleep 0.3; exit 0' TERM HUP; echo ready; while :; do sleep 0.05; done",
      onTerminal,
    );
    machine.close();
    const closedAt = systemClock.mono();
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
    await vi.waitFor(() => expect(signalGroup(pid, 0)).toBe(false), PATIENCE);
    expect(systemClock.mono() - closedAt).toBeGreaterThan(250);
  });

  it("is waited for by whoever disposes of the backend", async () => {
    const backend = await hostPlugin({ clock: FAST }).open(
      parseDestination("host://localhost"),
      contextOf({}),
    );
    machine = await backend.dial(recordAttempt(), UNATTENDED);
    const { pid } = await startLine("trap '' TERM HUP; echo ready; while :; do sleep 1; done", onTerminal);
    const before = FAST.mono();
    await backend.dispose();
    expect(FAST.mono() - before).toBeGreaterThanOrEqual(5_000);
    await vi.waitFor(() => expect(signalGroup(pid, 0)).toBe(false), PATIENCE);
  });

  it("is killed if it does not end", async () => {
    machine = await dialHost({ clock: FAST });
    const { pid } = await startLine("trap '' TERM HUP; echo ready; while :; do sleep 1; done", onTerminal);
    machine.close();
    await vi.waitFor(() => expect(signalGroup(pid, 0)).toBe(false), PATIENCE);
  });

  it("is ended if it was stopped", async () => {
    machine = await dialHost();
    const { pid } = await startLine("sleep 600", onTerminal);
    signalGroup(pid, "SIGSTOP");
    machine.close();
    const closedAt = systemClock.mono();
    await vi.waitFor(() => expect(signalGroup(pid, 0)).toBe(false), PATIENCE);
    // By what it is asked with, and not by what comes after the grace.
    expect(systemClock.mono() - closedAt).toBeLessThan(4_500);
  });

  it("does not come up if the link is closed while it starts", async () => {
    await warmUp(onTerminal);
    const before = countHandles();
    for (let i = 0; i < 10; i++) {
      const link = await dialHost();
      const request = { command: ["sleep", "600"] as const };
      const start = link.start(onTerminal ? { ...request, terminal: SIZE } : request);
      for (let turn = 0; turn < i; turn++) await Promise.resolve();
      if (i >= 5) await new Promise((go) => setTimeout(go, i - 5));
      link.close();
      await start.then(
        ({ ended }) => expect(ended).rejects.toMatchObject({ code: "link_lost" }),
        (error: unknown) => expect(error).toMatchObject({ code: "link_lost" }),
      );
    }
    await vi.waitFor(() => expect(countHandles()).toBeLessThanOrEqual(before), PATIENCE);
  });
});

/** The library for terminals is loaded once, and that opens files. */
async function warmUp(onTerminal: boolean): Promise<void> {
  const link = await dialHost();
  const process = await link.start(
    onTerminal ? { command: ["true"], terminal: SIZE } : { command: ["true"] },
  );
  process.stdout.resume();
  process.stderr.resume();
  await process.ended;
  link.close();
}

it("a process whose reader has gone is told", async () => {
  machine = await dialHost();
  const process = await machine.start({ command: ["yes"] });
  process.stderr.resume();
  process.stdout.once("data", () => void process.stdout.destroy());
  // GNU's says that its output broke; others are ended by the signal.
  expect(["PIPE", 1]).toContain(await process.ended.then(({ signal, code }) => signal ?? code));
});

describe("a terminal", () => {
  it("ends its shell, which does not listen to TERM", async () => {
    machine = await dialHost();
    const process = await machine.start({ command: ["bash", "--norc", "-i"], terminal: SIZE });
    let text = "";
    process.stdout.on("data", (piece: Buffer) => void (text += piece.toString()));
    process.stderr.resume();
    process.stdin.write("echo pid=$$.; sleep 600\n");
    await vi.waitFor(() => expect(text).toMatch(/pid=\d+\./), PATIENCE);
    const pid = Number(/pid=(\d+)\./.exec(text)?.[1]);
    const closedAt = systemClock.mono();
    machine.close();
    await vi.waitFor(() => expect(signalGroup(pid, 0)).toBe(false), PATIENCE);
    expect(systemClock.mono() - closedAt).toBeLessThan(4_000);
  });

  it("ends with its shell, though a program in the background keeps it open", async () => {
    machine = await dialHost();
    const { pid, process } = await startLine("trap '' HUP; sleep 600 & exit 3", true);
    try {
      await expect(process.ended).resolves.toEqual({ code: 3 });
    } finally {
      // It goes on, as whoever lets it ignore the hang-up wants it to.
      expect(signalGroup(pid, "SIGKILL")).toBe(true);
    }
  });

  it("takes its end of input as Ctrl-D", async () => {
    machine = await dialHost();
    const process = await machine.start({ command: ["cat"], terminal: SIZE });
    process.stdout.resume();
    process.stdin.end("line\n");
    await expect(process.ended).resolves.toEqual({ code: 0 });
  });

  it("does not kill a program that lets go of it and runs on", async () => {
    machine = await dialHost();
    const command = ["sh", "-c", "exec <&- >&- 2>&-; sleep 0.3; exit 7"] as const;
    const process = await machine.start({ command, terminal: SIZE });
    process.stdout.resume();
    await expect(process.ended).resolves.toEqual({ code: 7 });
  });

  it.each([0, -1, 1.5, 65_536, Number.NaN])("with %s rows is refused", async (rows) => {
    machine = await dialHost();
    const start = machine.start({ command: ["true"], terminal: { rows, columns: 80 } });
    await expect(start).rejects.toMatchObject({ code: "bad_terminal" });
  });
});
