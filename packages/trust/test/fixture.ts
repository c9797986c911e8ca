// What the tests of this package need of the machine: folders that go away, and a count of what was warned of.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HoldfastError } from "@holdfast/core";
import { onTestFinished } from "vitest";

export { TestClock } from "./machine-clock.ts";

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
