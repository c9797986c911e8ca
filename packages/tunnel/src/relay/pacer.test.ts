import { describe, expect, test } from "vitest";
import { VirtualClock } from "@holdfast/core/testing";
import { Pacer, type Turn } from "./pacer.ts";
import { HINT_HORIZON_MS, NO_RESERVATION, reserve, SLOT_PACE, type Reservation } from "./reservation.ts";

const half = (): number => 0.5;

describe("reservation", () => {
  test("slots lie behind the queue, 1.02 of their work apart", () => {
    let reservation: Reservation = NO_RESERVATION;
    const hints = [0, 0, 0].map(() => {
      const slot = reserve(reservation, 1_000, 2_000, 500, half);
      reservation = slot.reservation;
      return slot.retryAfterMs;
    });
    expect(hints.map((ms) => Number(ms.toFixed(3)))).toEqual([2_002.04, 2_004.08, 2_006.12]);
  });

  test("a slot of the past is not given again, nor one in front of the queue", () => {
    const { reservation } = reserve(NO_RESERVATION, 0, 0, 100, half);
    const later = reserve(reservation, 60_000, 500, 100, half);
    expect(later.retryAfterMs).toBeCloseTo(500 + SLOT_PACE * 10);
  });

  test("beyond ten minutes there is no slot, only the second half of them", () => {
    const full = { slot: HINT_HORIZON_MS };
    expect(reserve(full, 0, 0, 1, () => 0)).toEqual({ reservation: full, retryAfterMs: HINT_HORIZON_MS / 2 });
    expect(reserve(full, 0, 0, 1, () => 0.999).retryAfterMs).toBeLessThan(HINT_HORIZON_MS);
    expect(reserve(full, 2_000, 0, 1, half).retryAfterMs).toBeLessThanOrEqual(HINT_HORIZON_MS);
  });
});

describe("pace", () => {
  function start(perSecond: number, queueMs: number) {
    const clock = new VirtualClock();
    const pacer = new Pacer({ clock, random: half, perSecond, queueMs });
    const went: number[] = [];
    const busy: number[] = [];
    const ask = (count: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const turn: Turn = await pacer.turn();
          if (turn.type === "go") went.push(clock.mono());
          else busy.push(turn.retryAfterMs);
        }),
      );
    return { clock, pacer, went, busy, ask };
  }

  async function settle(): Promise<void> {
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
  }

  test("an idle relay makes nobody wait", async () => {
    const { went, ask, clock } = start(100, 500);
    await ask(1);
    clock.advance(10);
    await ask(1);
    expect(went).toEqual([0, 10]);
    expect(clock.armed).toBe(0);
  });

  test("a burst goes at the pace, in the order in which it came", async () => {
    const { went, busy, ask, clock } = start(100, 500);
    const all = ask(10);
    await settle();
    for (let i = 0; i < 20; i += 1) {
      clock.advance(10);
      await settle();
    }
    await all;
    expect(went).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    expect(busy).toEqual([]);
  });

  test("those behind a full queue are told slots of their own", async () => {
    const { went, busy, ask, clock } = start(100, 500);
    const all = ask(54);
    clock.advance(600);
    await all;
    expect(went).toHaveLength(51);
    expect(busy.map((ms) => Number(ms.toFixed(1)))).toEqual([520.2, 530.4, 540.6]);
  });

  test("whoever comes back in its slot is not refused again", async () => {
    const { went, busy, ask, clock } = start(100, 500);
    void ask(300);
    await settle();
    const returns = busy.splice(0);
    expect(returns).toHaveLength(249);
    for (let now = 0; now <= 4_000; now += 10) {
      void ask(returns.filter((at) => at > now - 10 && at <= now).length);
      clock.advance(10);
      await settle();
    }
    expect(busy).toEqual([]);
    expect(went).toHaveLength(300);
  });

  test("closing lets everybody through and leaves no timer", async () => {
    const { went, ask, clock, pacer } = start(10, 5_000);
    const all = ask(20);
    pacer.close();
    await all;
    expect(went).toHaveLength(20);
    expect(clock.armed).toBe(0);
  });
});
