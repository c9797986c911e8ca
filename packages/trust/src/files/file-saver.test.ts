import { HoldfastError } from "@holdfast/core";
import { expect, test } from "vitest";
import { VirtualClock } from "@holdfast/core/testing";
import { FileSaver } from "./file-saver.ts";

/** A disk whose writes end when the test says so. */
class SlowDisk {
  readonly written: string[] = [];
  readonly pending: { readonly text: string; readonly end: (error?: Error) => void }[] = [];

  readonly write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        if (error !== undefined) return reject(error);
        this.written.push(text);
        resolve();
      };
      this.pending.push({ text, end });
    });

  async end(error?: Error): Promise<void> {
    this.pending.shift()?.end(error);
    for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  }
}

function start() {
  const [clock, disk] = [new VirtualClock(), new SlowDisk()];
  const warnings: HoldfastError[] = [];
  let version = 0;
  const onWarning = (warning: HoldfastError): void => void warnings.push(warning);
  const saver = new FileSaver({ clock, encode: () => `v${version}`, write: disk.write, onWarning });
  const change = (): void => {
    version += 1;
    saver.touch();
  };
  return { clock, disk, saver, warnings, change };
}

test("many changes are one write, and those during it are one more", async () => {
  const { clock, disk, change } = start();
  for (let i = 0; i < 10; i += 1) change();
  expect(disk.pending).toEqual([]);
  clock.advance(50);
  expect(disk.pending.map(({ text }) => text)).toEqual(["v10"]);
  change();
  clock.advance(50);
  change();
  expect(disk.pending).toHaveLength(1);
  await disk.end();
  expect(disk.pending.map(({ text }) => text)).toEqual(["v12"]);
  await disk.end();
  clock.advance(1_000);
  expect(disk.written).toEqual(["v10", "v12"]);
  expect(disk.pending).toEqual([]);
  expect(clock.armed).toBe(0);
});

test("a flush ends when all that had changed is on disk", async () => {
  const { clock, disk, saver, change } = start();
  change();
  clock.advance(50);
  change();
  let flushed = false;
  const flushing = saver.flush().then(() => (flushed = true));
  await disk.end();
  expect(flushed).toBe(false);
  await disk.end();
  await flushing;
  expect(disk.written).toEqual(["v1", "v2"]);
  await saver.flush();
  expect(disk.pending).toEqual([]);
});

test("who waits is told after the first write that has its change, however many come behind", async () => {
  const { disk, saver, change } = start();
  const told: number[] = [];
  for (const number of [1, 2, 3]) {
    change();
    void saver.flush().then(() => told.push(number));
  }
  await disk.end();
  expect(told).toEqual([1]);
  change();
  void saver.flush().then(() => told.push(4));
  await disk.end();
  expect(told).toEqual([1, 2, 3]);
  await disk.end();
  expect(told).toEqual([1, 2, 3, 4]);
  expect(disk.written).toEqual(["v1", "v3", "v4"]);
});

test("a write that fails is told, and made up for with the next change", async () => {
  const { clock, disk, warnings, change } = start();
  change();
  clock.advance(50);
  await disk.end(new HoldfastError({ code: "cannot_write", message: "the disk is full", fault: "local" }));
  expect(warnings).toMatchObject([{ code: "cannot_write" }]);
  change();
  clock.advance(50);
  await disk.end();
  expect(disk.written).toEqual(["v2"]);
});
