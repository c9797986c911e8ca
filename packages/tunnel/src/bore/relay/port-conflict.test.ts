import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  judge,
  PROBE_RULES,
  UNKNOWN_HOLDER,
  type ConflictInput,
  type Holder,
  type Verdict,
} from "./port-conflict.ts";

const newcomer = (evidenceAt?: number): ConflictInput => ({ type: "newcomer", evidenceAt });
const answered: ConflictInput = { type: "answered" };
const seen: ConflictInput = { type: "seen" };
const failed: ConflictInput = { type: "failed" };

/** Feed inputs with their times, return the verdicts. */
function play(...inputs: [ConflictInput, number][]): Verdict[] {
  let holder: Holder = UNKNOWN_HOLDER;
  return inputs.map(([input, now]) => {
    const [next, verdict] = judge(holder, input, now);
    holder = next;
    return verdict;
  });
}

describe("who gets the port", () => {
  test("the second of two probes that fail, a second apart, frees it", () => {
    expect(play([newcomer(), 0], [failed, 2_000], [newcomer(), 3_000], [failed, 5_000])).toEqual([
      "probe",
      "in_use",
      "probe",
      "free",
    ]);
  });

  test("no second probe within a second of the first failure", () => {
    expect(play([newcomer(), 0], [failed, 2_000], [newcomer(), 2_999], [newcomer(), 3_000])).toEqual([
      "probe",
      "in_use",
      "in_use",
      "probe",
    ]);
  });

  test("newcomers share a probe that is under way", () => {
    expect(play([newcomer(), 0], [newcomer(), 10], [newcomer(), 1_999], [answered, 2_000])).toEqual([
      "probe",
      "share",
      "share",
      "in_use",
    ]);
  });

  test("after an answer there is no probe for ten seconds", () => {
    expect(
      play([newcomer(), 0], [answered, 50], [newcomer(), 60], [newcomer(), 10_049], [newcomer(), 10_050]),
    ).toEqual(["probe", "in_use", "in_use", "in_use", "probe"]);
  });

  test("an answer, late or not, clears the mark", () => {
    const marked: [ConflictInput, number][] = [
      [newcomer(), 0],
      [failed, 2_000],
    ];
    expect(play(...marked, [answered, 2_500], [newcomer(), 12_500], [failed, 14_500])).toEqual([
      "probe",
      "in_use",
      "none",
      "probe",
      "in_use",
    ]);
  });

  test("a visitor that is taken answers for the holder, clears the mark, and asks for no rest", () => {
    expect(
      play(
        [newcomer(), 0],
        [seen, 1_000],
        [newcomer(), 1_001],
        [failed, 3_001],
        [seen, 3_002],
        [newcomer(), 4_001],
        [failed, 6_001],
      ),
    ).toEqual(["probe", "in_use", "probe", "in_use", "none", "probe", "in_use"]);
  });

  test("evidence within five seconds is as good as an answer, and clears the mark", () => {
    expect(
      play([newcomer(), 0], [failed, 2_000], [newcomer(0), 4_999], [newcomer(0), 5_000], [failed, 7_000]),
    ).toEqual(["probe", "in_use", "in_use", "probe", "in_use"]);
  });

  test("a mark of long ago counts for nothing", () => {
    const long = PROBE_RULES.markMs + 2_000;
    expect(play([newcomer(), 0], [failed, 2_000], [newcomer(), long], [failed, long + 2_000])).toEqual([
      "probe",
      "in_use",
      "probe",
      "in_use",
    ]);
  });

  test("a holder that answers each probe is never displaced, however many want its port", () => {
    const gap = fc.integer({ min: 0, max: 20_000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(gap, fc.integer({ min: 0, max: 1_999 }), fc.boolean())), (events) => {
        let holder: Holder = UNKNOWN_HOLDER;
        let now = 0;
        for (const [wait, answerAfter, evidence] of events) {
          now += wait;
          const [next, verdict] = judge(holder, newcomer(evidence ? now : undefined), now);
          holder = next;
          expect(verdict).not.toBe("free");
          if (verdict !== "probe") continue;
          now += answerAfter;
          const [after, outcome] = judge(holder, answered, now);
          holder = after;
          expect(outcome).toBe("in_use");
        }
      }),
    );
  });

  test("a port is freed only by two failures in a row, at least a second apart", () => {
    const input = fc.constantFrom<ConflictInput>(newcomer(), answered, seen, failed);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(input, fc.integer({ min: 0, max: 3_000 })), { maxLength: 60 }),
        (events) => {
          let holder: Holder = UNKNOWN_HOLDER;
          let now = 0;
          const failures: number[] = [];
          for (const [next, wait] of events) {
            now += wait;
            const probing = holder.probing;
            const [after, verdict] = judge(holder, next, now);
            holder = after;
            if (next.type === "answered" || next.type === "seen") failures.length = 0;
            if (next.type === "failed" && probing) failures.push(now);
            if (verdict !== "free") continue;
            expect(failures.length).toBeGreaterThanOrEqual(2);
            expect(now - (failures.at(-2) ?? now)).toBeGreaterThanOrEqual(PROBE_RULES.betweenProbesMs);
            failures.length = 0;
          }
        },
      ),
    );
  });
});
