// What the tests of this package need of the machine: a clock, folders that go away, and a count of what was warned of.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock, HoldfastError } from "@holdfast/core";
import { onTestFinished } from "vitest";

/** The machine's time, but `wall` may be set. */
export class TestClock implements Clock {
  wallMs = Date.UTC(2026, 10, 22, 12, 0, 0);

  mono(): number {
    return performance.now();
  }

  wall(): number {
    return this.wallMs;
  }

  timer(fire: () => void): ReturnType<Clock["timer"]> {
    let handle: ReturnType<typeof setTimeout> | undefined;
    return {
      set: (delayMs) => {
        clearTimeout(handle);
        handle = setTimeout(fire, delayMs);
      },
      clear: () => clearTimeout(handle),
    };
  }
}

/** A folder of mode 0700 that is removed with the test. */
export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-trust-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export class Warnings {
  readonly all: HoldfastError[] = [];
  readonly add = (warning: HoldfastError): void => {
    this.all.push(warning);
  };

  get codes(): string[] {
    return this.all.map(({ code }) => code);
  }
}
