// The input of a terminal on its own, over a pipe that is full when a test wants it to be.
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, read, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "@holdfast/net";
import { expect, it, onTestFinished } from "vitest";
import { sleep, until } from "../../src/compliance/demands.ts";
import { PtyInput } from "../../src/host/pty-input.ts";

const { O_NONBLOCK, O_RDWR } = constants;
const readSome = promisify(read);

/** Both ends of a pipe; the near one waits when it is full, or does not. */
function pipe(waits: boolean): { readonly near: number; readonly far: number } {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pipe-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const near = openSync(path, O_RDWR | (waits ? 0 : O_NONBLOCK));
  const far = openSync(path, O_RDWR | O_NONBLOCK);
  onTestFinished(() => {
    for (const descriptor of [near, far]) closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return { near, far };
}

async function take(descriptor: number): Promise<number> {
  const { bytesRead } = await readSome(descriptor, Buffer.alloc(1_048_576), 0, 1_048_576, null);
  return bytesRead;
}

it("what finds no room is tried again, and is no error", async () => {
  const { near, far } = pipe(false);
  const input = new PtyInput(near, systemClock);
  let error: unknown;
  input.on("error", (thrown) => (error = thrown));
  let written = false;
  input.write(Buffer.alloc(300_000), () => (written = true));
  let taken = 0;
  for (let turns = 0; taken < 300_000; turns++) {
    // Long enough for it to meet a full pipe again.
    if (turns % 2 === 0) await sleep(25);
    taken += await take(far).catch(() => 0);
  }
  await until(() => written, "the end of the write");
  expect([taken, error]).toEqual([300_000, undefined]);
  input.destroy();
});

it("the descriptor is not given up for closing while a write to it runs", async () => {
  const { near, far } = pipe(true);
  const input = new PtyInput(near, systemClock);
  input.write(Buffer.alloc(200_000));
  let idle = 0;
  let taken = 0;
  // The write has begun, and holds a thread until somebody reads.
  await until(() => input.writableLength > 0, "the write");
  input.closeDescriptor(() => (idle += 1));
  await sleep(25);
  expect(idle).toBe(0);
  while (idle === 0) taken += await take(far).catch(() => 0);
  expect(taken).toBeGreaterThanOrEqual(65_536);
  await sleep(1);
  expect(idle).toBe(1);
});
