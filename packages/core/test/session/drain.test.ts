// Drain: streams may finish, all is delivered, CLOSE is said and answered; also while away.
import { describe, expect, it } from "vitest";
import { CLOSE, KIND, RESET } from "../../src/session/index.ts";
import type { SessionStream } from "../../src/session/index.ts";
import { hexOf, Pair, pattern, readAll } from "./pair.ts";

const NOTHING = new Uint8Array(0);

function joined(): { pair: Pair; here: SessionStream; there: SessionStream } {
  const pair = new Pair().begin();
  pair.flow();
  const here = pair.client.session.open(KIND.tcp, NOTHING);
  pair.pass(100);
  return { pair, here, there: pair.opened(pair.server, 1) };
}

const ends = (pair: Pair): unknown[] => [pair.client, pair.server].map(({ session }) => session.end);

describe("drain", () => {
  it("of an idle session closes it cleanly at both ends", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.client.session.drain(30_000, pair.now);
    pair.pass(1_000);
    expect(ends(pair)).toEqual([
      { reason: "closed", code: 0, clean: true, error: undefined },
      { reason: "closed", code: 0, clean: true, error: undefined },
    ]);
    expect(pair.server.events.map(({ type }) => type)).toContain("going_away");
  });

  it("lets streams finish, both ways", () => {
    const { pair, here, there } = joined();
    here.write(pattern(100_000));
    pair.client.session.drain(30_000, pair.now);
    expect(pair.client.session.canOpen).toBe(false);
    pair.pass(1_000);
    expect(ends(pair)).toEqual([undefined, undefined]);
    let read = 0;
    while (read < 100_000) {
      read += readAll(there).length;
      pair.pass(10);
    }
    here.end();
    there.end();
    pair.pass(1_000);
    expect(pair.client.session.end).toMatchObject({ reason: "closed", clean: true });
    expect(there.received).toEqual({ type: "finished" });
  });

  it("resets what has not ended in time", () => {
    const { pair, there } = joined();
    pair.client.session.drain(2_000, pair.now);
    pair.pass(1_999);
    expect(ends(pair)).toEqual([undefined, undefined]);
    pair.pass(100);
    expect(there.received).toEqual({ type: "reset", code: RESET.timeout, by: "peer" });
    expect(pair.client.session.end).toMatchObject({ reason: "closed", clean: true });
    expect(pair.server.session.end).toMatchObject({ reason: "closed", clean: true });
  });

  it("delivers CLOSE on the next link if it was cut meanwhile", () => {
    const { pair, here, there } = joined();
    here.write(pattern(10));
    here.end();
    there.end();
    pair.client.session.drain(1_000, pair.now);
    pair.take(pair.client);
    pair.cut();
    pair.now += 3_000;
    pair.client.session.timeout(pair.now);
    expect(pair.client.session.end).toBeUndefined();
    pair.resume().pass(100);
    expect(pair.client.session.end).toMatchObject({ reason: "closed", clean: true });
    expect(readAll(there).length).toBe(10);
  });

  it("says CLOSE again when its answer was lost", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.client.session.drain(1_000, pair.now);
    pair.give(pair.server, pair.take(pair.client));
    pair.give(pair.client, pair.take(pair.server));
    pair.now += 25;
    pair.server.session.timeout(pair.now);
    pair.give(pair.client, pair.take(pair.server));
    expect(hexOf(pair.take(pair.client)).slice(0, 2)).toBe("14");
    pair.cut().resume();
    pair.flow();
    expect(ends(pair)).toMatchObject([{ clean: true }, { clean: true }]);
  });

  it("ends unconfirmed after five seconds away, and cleanly if the session is known to be gone", () => {
    for (const gone of [false, true]) {
      const pair = new Pair().begin();
      pair.flow();
      pair.client.session.drain(1_000, pair.now);
      pair.pass(0);
      pair.give(pair.server, pair.take(pair.client));
      pair.now += 25;
      pair.server.session.timeout(pair.now);
      pair.give(pair.client, pair.take(pair.server));
      expect(pair.take(pair.client).length).toBeGreaterThan(0);
      pair.cut();
      if (gone) {
        pair.client.session.lose(
          { reason: "session_lost", code: CLOSE.expired, clean: false, error: undefined },
          pair.now,
        );
        expect(pair.client.session.end).toEqual({ reason: "closed", code: 0, clean: true, error: undefined });
        continue;
      }
      expect(pair.client.session.nextTimeout()).toBeLessThanOrEqual(pair.now + 5_000);
      pair.now += 5_000;
      pair.client.session.timeout(pair.now);
      expect(pair.client.session.end).toMatchObject({
        reason: "closed",
        clean: false,
        error: { code: "unconfirmed" },
      });
    }
  });

  it("by both ends at once is clean at both", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.client.session.drain(1_000, pair.now);
    pair.server.session.drain(1_000, pair.now);
    pair.pass(1_000);
    expect(ends(pair)).toMatchObject([{ clean: true }, { clean: true }]);
  });
});
