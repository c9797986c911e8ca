// When an accepted link is asked for a sign of life, and when it is given up.
import { describe, expect, it } from "vitest";
import type { Patience } from "@holdfast/core";
import { LinkLife } from "./link-life.ts";

const PATIENCE: Patience = { intervalMs: 10_000, timeoutMs: 15_000, busyTimeoutMs: 8_000 };

/** Let time pass in steps, and write down what was judged when. */
function live(life: LinkLife, untilMs: number, stepMs = 100): string[] {
  const said: string[] = [];
  for (let now = 0; now <= untilMs; now += stepMs) {
    const judged = life.judge(now);
    if (judged !== "wait") said.push(`${judged} ${now}`);
    if (judged === "dead") break;
  }
  return said;
}

describe("the life of an accepted link", () => {
  it("is asked for after 10 s, and over after 15 s of silence", () => {
    expect(live(new LinkLife(PATIENCE, 0), 60_000)).toEqual(["ask 10000", "dead 15000"]);
  });

  it("is asked for after 3 s, and over after 8 s, while data is unacknowledged", () => {
    const life = new LinkLife(PATIENCE, 0);
    life.busy(1, 0);
    expect(live(life, 60_000)).toEqual(["ask 3000", "ask 6000", "dead 8000"]);
  });

  it("counts the busy time from when there was something to answer", () => {
    const life = new LinkLife(PATIENCE, 0);
    expect(live(life, 9_000)).toEqual([]);
    life.busy(1, 9_000);
    expect(life.judge(14_900)).toBe("ask");
    expect(life.judge(15_000)).toBe("dead");
  });

  it("goes on with every byte, whatever was asked", () => {
    const life = new LinkLife(PATIENCE, 0);
    expect(live(life, 14_000)).toEqual(["ask 10000"]);
    life.heard(14_000);
    expect(life.nextTimeout()).toBe(24_000);
    expect(life.judge(23_900)).toBe("wait");
  });

  it("keeps a timeout that was chosen, and asks in time for it", () => {
    const life = new LinkLife({ ...PATIENCE, timeoutMs: 3_000, busyTimeoutMs: 3_000 }, 0);
    life.busy(1, 0);
    expect(live(life, 60_000)).toEqual(["ask 1000", "ask 2000", "dead 3000"]);
  });

  it("asks first when the verdict itself comes late", () => {
    const life = new LinkLife(PATIENCE, 0);
    expect(life.judge(100_000)).toBe("ask");
    expect(life.judge(101_900)).toBe("wait");
    life.heard(101_950);
    expect(life.judge(102_000)).toBe("wait");
    expect(life.judge(300_000)).toBe("ask");
    expect(life.judge(302_000)).toBe("dead");
  });
});
