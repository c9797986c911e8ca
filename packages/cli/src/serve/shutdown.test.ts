import { VirtualClock } from "@holdfast/core/testing";
import { expect, test } from "vitest";
import { parseShutdown, ShutdownTimer } from "./shutdown.ts";

function watched(text: string): { clock: VirtualClock; timer: ShutdownTimer; over: string[] } {
  const clock = new VirtualClock();
  const over: string[] = [];
  return { clock, over, timer: new ShutdownTimer(parseShutdown(text), clock, (why) => over.push(why)) };
}

test("only what is meant can be written", () => {
  expect(parseShutdown("never")).toEqual({ when: "never" });
  expect(parseShutdown("after=2h")).toEqual({ when: "after", ms: 7_200_000 });
  for (const text of ["", "soon", "after", "after=", "after=0s", "lonely=5", "lonely=-1s", "never=1s"]) {
    expect(() => parseShutdown(text), text).toThrow(RangeError);
  }
});

test("never is never, and after is after so long, whoever is here", () => {
  const never = watched("never");
  never.timer.sessions(0, 0);
  never.clock.advance(1e9);
  expect([never.over, never.clock.armed]).toEqual([[], 0]);
  const after = watched("after=1m");
  after.timer.sessions(3, 3);
  after.clock.advance(60_000);
  expect(after.over).toEqual(["its time is over"]);
});

test("lonely counts from the last session's end, or from the start, and anew each time", () => {
  const { clock, timer, over } = watched("lonely=1m");
  timer.sessions(0, 0);
  clock.advance(50_000);
  // A change of something else does not begin the time anew, a session that came and went does.
  timer.sessions(0, 0);
  clock.advance(9_000);
  timer.sessions(0, 1);
  clock.advance(59_000);
  timer.sessions(1, 2);
  clock.advance(600_000);
  timer.sessions(0, 2);
  clock.advance(59_999);
  expect(over).toEqual([]);
  clock.advance(1);
  expect(over).toEqual(["nobody is here"]);
});

test("once ends with the last session, or if none comes", () => {
  const one = watched("once=1m");
  one.timer.sessions(0, 0);
  one.timer.sessions(1, 1);
  one.timer.sessions(2, 2);
  one.timer.sessions(1, 2);
  one.clock.advance(600_000);
  expect(one.over).toEqual([]);
  one.timer.sessions(0, 2);
  expect(one.over).toEqual(["its session has ended"]);
  // One that nobody saw.
  const short = watched("once=1m");
  short.timer.sessions(0, 0);
  short.timer.sessions(0, 1);
  expect(short.over).toEqual(["its session has ended"]);
  const none = watched("once=1m");
  none.timer.sessions(0, 0);
  none.clock.advance(60_000);
  expect(none.over).toEqual(["nobody is here"]);
});

test("nothing is armed once it is closed", () => {
  const { clock, timer } = watched("lonely=1m");
  timer.sessions(0, 0);
  timer.close();
  expect(clock.armed).toBe(0);
});
