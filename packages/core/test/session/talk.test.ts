// Streams that talk in small pieces go ahead of bulk that has filled the path, but not for as long as they like.
import { expect, it } from "vitest";
import { KIND } from "../../src/session/index.ts";
import { Pair } from "./pair.ts";

const SLICE_BYTES = 16_384;

it("what talks goes a slice beyond what may be in flight, and then waits like the others", () => {
  const limits = { replayBytes: 8 * 1_048_576, queueBytes: 1_048_576, initialCredit: 8 * 1_048_576 };
  const pair = new Pair({ client: limits, server: limits }).begin();
  const { session } = pair.client;
  const bulk = session.open(KIND.tcp, new Uint8Array(0));
  const talkers = Array.from({ length: 8 }, () => session.open(KIND.tcp, new Uint8Array(0)));
  const say = (): void => {
    for (const talker of talkers) talker.write(new Uint8Array(64));
    pair.take(pair.client);
  };
  // Two small pieces in a row are what makes a talk.
  say();
  say();
  pair.flow();
  while (bulk.writable) bulk.write(new Uint8Array(65_536));
  pair.take(pair.client);
  const filled = session.unackedBytes;
  expect(filled).toBeGreaterThanOrEqual(session.figures.inFlightLimit);
  for (let i = 0; i < 200; i++) say();
  const ahead = session.unackedBytes - filled;
  expect(ahead).toBeGreaterThanOrEqual(SLICE_BYTES);
  expect(ahead).toBeLessThan(SLICE_BYTES + 8 * 128);
});
