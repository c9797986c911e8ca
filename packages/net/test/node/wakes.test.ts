import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { WakeReason } from "@holdfast/core";
import { hangupWakes, machineAddresses, systemWakes } from "@holdfast/net/node";
import { ManualClock } from "./manual-clock.ts";

const HOME = ["127.0.0.1", "192.168.1.7"];

/** A program that says why it was woken. It runs the built package, as any program does. */
const WATCHING_PROCESS = `
  import { hangupWakes, systemWakes } from "@holdfast/net/node";
  for (const source of [systemWakes({ addresses: () => [] }), hangupWakes()]) source((reason) => console.log(reason));
  setInterval(() => undefined, 60_000);
  console.log("watching");
`;

function watch(clock: ManualClock, addresses: () => readonly string[] = () => HOME) {
  const woken: [WakeReason, readonly string[] | undefined][] = [];
  const stop = systemWakes({ clock, addresses })((...wake) => woken.push([wake[0], wake[1]]));
  return { woken, stop };
}

describe("systemWakes", () => {
  afterEach(() => vi.restoreAllMocks());

  it("says nothing while nothing happens", () => {
    const clock = new ManualClock();
    const { woken, stop } = watch(clock);
    clock.advance(3_600_000);
    expect(woken).toEqual([]);
    stop();
    expect(clock.armed).toBe(0);
  });

  it("notices a suspend on Linux, where the monotonic clock halts and no timer is late", () => {
    const clock = new ManualClock();
    const { woken, stop } = watch(clock);
    clock.advance(1_500);
    clock.suspend(60_000);
    clock.advance(500);
    expect(woken).toEqual([["sleep", HOME]]);
    clock.advance(10_000);
    expect(woken).toHaveLength(1);
    stop();
  });

  it("notices a sleep on macOS, or a stopped process, by the late tick", () => {
    const clock = new ManualClock();
    const { woken, stop } = watch(clock);
    clock.advance(1_000);
    clock.stop(3_001);
    expect(woken).toEqual([["sleep", HOME]]);
    stop();
  });

  it("a short delay or a clock set back is not sleep", () => {
    const clock = new ManualClock();
    const { woken, stop } = watch(clock);
    clock.stop(2_900);
    clock.suspend(1_900);
    clock.advance(1_000);
    clock.suspend(-3_600_000);
    clock.advance(5_000);
    expect(woken).toEqual([]);
    stop();
  });

  it("notices addresses that come and go, not their order", () => {
    const clock = new ManualClock();
    let addresses = HOME;
    const { woken, stop } = watch(clock, () => addresses);
    addresses = HOME.toReversed();
    clock.advance(1_000);
    expect(woken).toEqual([]);
    addresses = ["127.0.0.1"];
    clock.advance(1_000);
    expect(woken).toEqual([["network", ["127.0.0.1"]]]);
    addresses = ["127.0.0.1", "10.0.0.9"];
    clock.advance(1_000);
    expect(woken).toHaveLength(2);
    stop();
  });

  it("1,000 sources share one timer, which ends with the last of them", () => {
    const clock = new ManualClock();
    const addresses = vi.fn(() => HOME);
    const stops = Array.from({ length: 1_000 }, () => watch(clock, addresses).stop);
    expect(clock.armed).toBe(1);
    addresses.mockClear();
    clock.advance(1_000);
    expect(addresses).toHaveBeenCalledTimes(1);
    for (const stop of stops.slice(1)) stop();
    for (const stop of stops.slice(1)) stop();
    expect(clock.armed).toBe(1);
    stops[0]?.();
    expect(clock.armed).toBe(0);
  });

  it("on the machine's own clock the one timer is unreferenced", () => {
    const active = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const interval = vi.spyOn(globalThis, "setInterval");
    const cleared = vi.spyOn(globalThis, "clearInterval");
    const before = active();
    const stops = Array.from({ length: 1_000 }, () => systemWakes()(() => undefined));
    expect(interval).toHaveBeenCalledTimes(1);
    // Only timers that keep the process alive are listed.
    expect(active()).toBe(before);
    for (const stop of stops) stop();
    expect(cleared).toHaveBeenCalledTimes(1);
  });

  it("lists the addresses of this machine", () => {
    expect(machineAddresses()).toContain("127.0.0.1");
  });

  it("a real process that was stopped for a while wakes when it goes on", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", WATCHING_PROCESS], {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: fileURLToPath(new URL(".", import.meta.url)),
    });
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toBe("watching");
      child.kill("SIGSTOP");
      // The stop has to last longer than what counts as sleep: this is the event, not a wait for one.
      await new Promise((resolve) => setTimeout(resolve, 3_500));
      child.kill("SIGCONT");
      expect((await lines.next()).value).toBe("sleep");
      child.kill("SIGHUP");
      expect((await lines.next()).value).toBe("user");
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
});

describe("hangupWakes", () => {
  it("wakes every line on SIGHUP through one listener, and leaves the signal alone afterwards", async () => {
    const before = process.listenerCount("SIGHUP");
    const woken: WakeReason[] = [];
    const stops = Array.from({ length: 20 }, () => hangupWakes()((reason) => woken.push(reason)));
    expect(process.listenerCount("SIGHUP")).toBe(before + 1);
    process.emit("SIGHUP", "SIGHUP");
    expect(woken).toEqual(Array.from({ length: 20 }, () => "user"));
    for (const stop of stops) stop();
    expect(process.listenerCount("SIGHUP")).toBe(before);
  });
});
