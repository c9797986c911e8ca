// Readers of a watch: each wait is let go of when it is over, so that a long watch holds no more than a short one.
import { describe, expect, test } from "vitest";
import { Watch } from "./watch.ts";

/** Counts who listens. */
class Counter {
  aborted = false;
  listening = 0;
  removed = 0;

  addEventListener(): void {
    this.listening += 1;
  }

  removeEventListener(): void {
    this.listening -= 1;
    this.removed += 1;
  }
}

describe("rule 14: a watch", () => {
  test("rule 14: lets go of every wait once it is over", async () => {
    const watch = new Watch(0);
    const stopped = new Counter();
    for (let i = 1; i <= 100; i++) {
      const next = watch.newer(i - 1, stopped);
      expect(stopped.listening).toBe(1);
      watch.set(i);
      expect(await next).toEqual({ value: i, version: i });
    }
    expect(stopped, "each wait was released once, by its own value").toMatchObject({
      listening: 0,
      removed: 100,
    });
  });

  test("rule 14: two waits at once, of one reader or of two, get the same value", async () => {
    const watch = new Watch("a");
    const reader = watch.changes();
    await reader.next();
    const both = [reader.next(), watch.newer(0, new Counter())];
    watch.set("b");
    expect(await Promise.all(both)).toMatchObject([{ value: "b" }, { value: "b" }]);
  });

  test("rule 14: after the end nothing is set and nobody waits", async () => {
    const watch = new Watch(1);
    const reader = watch.changes();
    await reader.next();
    const waiting = reader.next();
    watch.end();
    watch.set(2);
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(watch.value).toBe(1);
    expect(await watch.changes().next()).toEqual({ done: false, value: 1 });
  });
});
