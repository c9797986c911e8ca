// Bytes wait for whoever reads them, to the last one, and no longer than there is somebody.
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { ByteSink } from "./byte-sink.ts";

/** A stream whose reader takes one write at a time, when it is told to. */
function slowReader(): { stream: NodeJS.WriteStream; take: () => void; fail: (code: string) => void } {
  const waiting: ((error?: Error) => void)[] = [];
  const stream = new Writable({
    highWaterMark: 10,
    write: (_bytes, _encoding, done) => void waiting.push(done),
  });
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    take: () => waiting.shift()?.(),
    fail: (code) => waiting.shift()?.(Object.assign(new Error(code), { code })),
  };
}

/** Whether it has settled once everything that was to happen has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("a write below the mark goes on at once, and is flushed only when it was taken", async () => {
  const { stream, take } = slowReader();
  const sink = new ByteSink(stream);
  expect(await sink.write("few")).toBe(true);
  const flushed = sink.flushed();
  expect(await isSettled(flushed)).toBe(false);
  take();
  take();
  await flushed;
});

test("a write beyond the mark waits for room", async () => {
  const { stream, take } = slowReader();
  const sink = new ByteSink(stream);
  const written = sink.write("more than ten bytes");
  expect(await isSettled(written)).toBe(false);
  take();
  take();
  expect(await written).toBe(true);
});

test("a reader that goes away ends every wait, and is no failure; a full disk is one", async () => {
  for (const [code, gone] of [
    ["EPIPE", true],
    ["ENOSPC", false],
  ] as const) {
    const { stream, fail } = slowReader();
    const sink = new ByteSink(stream);
    const written = sink.write("more than ten bytes");
    fail(code);
    expect(await written).toBe(false);
    await sink.flushed();
    expect(await sink.write("more")).toBe(false);
    expect({ gone: sink.readerIsGone, failed: sink.failure !== undefined }).toEqual({ gone, failed: !gone });
  }
});
