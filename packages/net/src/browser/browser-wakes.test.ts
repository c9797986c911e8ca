import { describe, expect, it } from "vitest";
import { browserWakes } from "./browser-wakes.ts";

class FakeTarget {
  visibilityState = "hidden";
  readonly listeners = new Map<string, Set<(event: unknown) => void>>();

  addEventListener(type: string, listener: (event: unknown) => void): void {
    const listeners = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, listeners.add(listener));
  }

  removeEventListener(type: string, listener: (event: unknown) => void): void {
    this.listeners.get(type)?.delete(listener);
  }

  emit(type: string, event: unknown = {}): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event);
  }

  get count(): number {
    return [...this.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

describe("browserWakes", () => {
  it("wakes when the browser is online again, visible again, or restored from the cache", () => {
    const window = new FakeTarget();
    const document = new FakeTarget();
    const woken: string[] = [];
    const stop = browserWakes({ window, document })((reason) => woken.push(reason));
    window.emit("online");
    document.emit("visibilitychange");
    expect(woken).toEqual(["online"]);
    document.visibilityState = "visible";
    document.emit("visibilitychange");
    window.emit("pageshow", { persisted: false });
    expect(woken).toEqual(["online", "visible"]);
    window.emit("pageshow", { persisted: true });
    expect(woken).toEqual(["online", "visible", "visible"]);
    stop();
    window.emit("online");
    expect(woken).toHaveLength(3);
    expect(window.count + document.count).toBe(0);
  });

  it("does nothing where there are no such events", () => {
    expect(() => browserWakes()(() => expect.unreachable())()).not.toThrow();
  });
});
