// Whatever a peer sends, `receive` does not throw, and nothing is kept beyond the limits.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FEATURE, KIND } from "../../src/session/index.ts";
import type { SessionEvent } from "../../src/session/index.ts";
import { join, Pair } from "./pair.ts";

const TYPES = [
  0x06, 0x07, 0x10, 0x11, 0x12, 0x13, 0x14, 0x50, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86,
];

/** Frames that look right: a type that exists, a stream that may, a length that is told truly, mostly. */
const frame: fc.Arbitrary<Uint8Array> = fc
  .record({
    type: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...TYPES) },
      { weight: 1, arbitrary: fc.nat(255) },
    ),
    id: fc.oneof({ weight: 20, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.nat() }),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(0, 2, 4, 6, 8, 10, 12, 16).map((length) => new Uint8Array(length)),
      fc.nat(3_000).map((length) => new Uint8Array(length)),
    ),
    lie: fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(0xff_ff_ff) }),
  })
  .map(({ type, id, payload, lie }) => {
    const length = lie === 0 ? payload.length : lie;
    const header = [type, length >>> 16, length >>> 8, length, id >>> 24, id >>> 16, id >>> 8, id];
    return join([Uint8Array.from(header, (byte) => byte & 255), payload]);
  });

describe("receive", { timeout: 120_000 }, () => {
  it("takes arbitrary bytes without an exception, and keeps no more than its limits", () => {
    let lost = 0;
    let survived = 0;
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 12, arbitrary: frame }, { weight: 1, arbitrary: fc.uint8Array() }), {
          maxLength: 60,
        }),
        fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
        (frames, cuts) => {
          const pair = new Pair({ server: { maxStreams: 3, initialCredit: 4_096, maxFrameBytes: 4_096 } });
          pair.begin(FEATURE.datagrams).flow();
          const { session } = pair.server;
          session.open(KIND.tcp, new Uint8Array(3)).write(new Uint8Array(100));
          pair.take(pair.server);
          const bytes = join(frames);
          for (let at = 0; at < bytes.length;) {
            const cut = cuts.next().value;
            session.receive(bytes.slice(at, at + cut), pair.now);
            at += cut;
            pair.now += 1;
            session.timeout(pair.now);
            // It never has to say more than what is due once, and what streams have.
            expect(pair.take(pair.server).length).toBeLessThan(3_000);
          }
          let buffered = 0;
          for (const stream of session.streams()) buffered += stream.readableBytes + stream.metadata.length;
          expect(buffered).toBeLessThanOrEqual(4 * 2 * (4_096 + 4_094));
          expect(session.figures.openStreams).toBeLessThanOrEqual(1 + 2 * 3);
          const events: SessionEvent[] = [];
          for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent())
            events.push(event);
          expect(events.length).toBeLessThan(64 + 4 * 60);
          if (session.end === undefined) survived += 1;
          else lost += 1;
        },
      ),
      { numRuns: 500, seed: 20_261_122 },
    );
    // Both kinds were seen, or the frames were too wild or too tame.
    expect(lost).toBeGreaterThan(30);
    expect(survived).toBeGreaterThan(30);
  });

  it("keeps nothing for a length that was only announced", () => {
    const pair = new Pair({ server: { maxFrameBytes: 1_048_576 } }).begin();
    pair.flow();
    const { session } = pair.server;
    // DATA of a mebibyte for a stream that is known: nothing is kept before it comes, and it exceeds the credit.
    pair.client.session.open(KIND.tcp, new Uint8Array(0));
    pair.flow();
    session.receive(Uint8Array.of(0x81, 0x10, 0, 0, 0, 0, 0, 1), pair.now);
    expect(session.end?.error?.code).toBe("protocol_error");
  });
});
