// Arbitrary bytes, and good frames with something wrong in them: nothing but a `HoldfastError` comes of it, nothing is
// kept beyond the limits, and nobody resumes a session without its keys.
import { FRAME } from "../../src/session/wire/frame-types.ts";
import { HoldfastError } from "@holdfast/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeHelloOk } from "../../src/session/wire/hello-ok.ts";
import { decodeHello, encodeHello } from "../../src/session/wire/hello.ts";
import { decodeRefuse } from "../../src/session/wire/refuse.ts";
import { decodeResume, decodeResumeOk } from "../../src/session/wire/resume.ts";
import { FakeSession } from "./fake-session.ts";
import { Client, greeted, makeAcceptor, Meeting, secretHash } from "./meeting.ts";

const DECODERS = [decodeHello, decodeHelloOk, decodeResume, decodeResumeOk, decodeRefuse];

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

/** A frame with a good header and anything in it. */
const framed: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom(...Object.values(FRAME)),
    fc.oneof(
      bytes(200),
      fc.constantFrom(116, 128, 88, 72, 40).chain((n) => fc.uint8Array({ minLength: n, maxLength: n })),
    ),
  )
  .map(([type, payload]) => {
    const frame = new Uint8Array(8 + payload.length);
    frame[0] = type;
    frame[2] = payload.length >>> 8;
    frame[3] = payload.length;
    frame.set(payload, 8);
    return frame;
  });

const noise = fc.array(fc.oneof(bytes(64), framed), { maxLength: 12 });

/** How a good frame is spoiled: bytes changed, cut off, or put behind it. */
interface Damage {
  readonly flips: readonly (readonly [at: number, mask: number])[];
  readonly cut: number;
  readonly tail: Uint8Array;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  flips: fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 255 })), { maxLength: 3 }),
  cut: fc.oneof(fc.constant(0), fc.nat(140)),
  tail: fc.oneof(fc.constant(new Uint8Array()), bytes(20)),
});

function spoil(frame: Uint8Array, { flips, cut, tail }: Damage): Uint8Array {
  const changed = frame.slice(0, Math.max(0, frame.length - cut));
  for (const [at, mask] of flips) if (at < changed.length) changed[at]! ^= mask;
  return Buffer.concat([changed, tail]);
}

/** Everything that waits is done, as long as there is any. */
function settle(meeting: Meeting): void {
  meeting.toClient.length = 0;
  while (meeting.move("clientProof") || meeting.move("serverProof") || meeting.move("verdict"));
}

describe("decoders", () => {
  test("give a frame or a HoldfastError, whatever they get", () => {
    fc.assert(
      fc.property(fc.constantFrom(...DECODERS), fc.oneof(bytes(300), framed), (decode, given) => {
        try {
          decode(given);
        } catch (error) {
          if (!(error instanceof HoldfastError) || error.code !== "not_our_peer") throw error;
        }
      }),
      { numRuns: 400 },
    );
  });

  test("a HELLO that is read and written again is the same", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 136, maxLength: 300 }), (given) => {
        given.set([FRAME.hello, 0, (given.length - 8) >>> 8, given.length - 8, 0, 0, 0, 0]);
        given.set([1, given[9]! & 3, 0, 0], 8);
        let hello;
        try {
          hello = decodeHello(given);
        } catch {
          return;
        }
        const again = decodeHello(encodeHello(hello));
        expect(again).toEqual(hello);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the server's handshake", () => {
  test("gets through any bytes, and keeps no session for them", () => {
    fc.assert(
      fc.property(noise, (pieces) => {
        const acceptor = makeAcceptor({ secretHashes: () => [secretHash("x")] });
        const meeting = new Meeting({ acceptor, client: new Client() });
        for (const piece of pieces) {
          if (meeting.serverOutcome === undefined) meeting.onServer(meeting.server.receive(piece, 1));
          settle(meeting);
        }
        expect(acceptor.size).toBe(0);
        expect(meeting.serverOutcome?.type).not.toBe("attached");
      }),
      { numRuns: 400 },
    );
  });

  test("resumes nothing whose RESUME was touched", () => {
    fc.assert(
      fc.property(damage, fc.boolean(), (how, away) => {
        const acceptor = makeAcceptor();
        const client = new Client();
        const { server, meeting: first } = greeted({ acceptor, client });
        if (away) first.server.linkEnded(1);
        const meeting = new Meeting({ acceptor, client }).start();
        while (meeting.move("clientProof"));
        const good = meeting.toServer.shift()!;
        const spoiled = spoil(good, how);
        const intact = Buffer.compare(spoiled, good) === 0;
        meeting.onServer(meeting.server.receive(spoiled, 1));
        settle(meeting);
        const resumed = meeting.serverOutcome?.type === "attached";
        // Bits that nobody looks at are covered by the MAC as well.
        expect(resumed).toBe(intact);
        expect(server.claim).toBe(intact ? 2 : 1);
        expect(server.away).toBe(away && !intact);
      }),
      { numRuns: 500 },
    );
  });

  test("takes a HELLO whose fields were touched for another client's, or for none", () => {
    fc.assert(
      fc.property(damage, (how) => {
        const acceptor = makeAcceptor();
        const { server } = greeted({ acceptor, client: new Client() });
        const meeting = new Meeting({ acceptor, client: new Client({}, 500) }).start();
        meeting.onServer(meeting.server.receive(spoil(meeting.toServer.shift()!, how), 1));
        settle(meeting);
        expect(FakeSession.of(server.session).attached).toBe(true);
        expect(acceptor.size).toBeLessThanOrEqual(2);
      }),
      { numRuns: 400 },
    );
  });
});

describe("the client's handshake", () => {
  test("gets through any bytes, with its session as it was", () => {
    fc.assert(
      fc.property(noise, fc.boolean(), (pieces, again) => {
        const acceptor = makeAcceptor();
        const secret = secretHash("x");
        const client = new Client({ secretHash: secret });
        const trusted = makeAcceptor({ secretHashes: () => [secret] });
        if (again) greeted({ acceptor: trusted, client });
        const meeting = new Meeting({ acceptor, client }).start();
        while (meeting.move("clientProof"));
        for (const piece of pieces) {
          if (meeting.clientOutcome === undefined) meeting.onClient(meeting.client.receive(piece, 1));
          while (meeting.move("clientProof"));
        }
        expect(client.session.attached).toBe(false);
        expect(["greeted", "resumed"]).not.toContain(meeting.clientOutcome?.type);
      }),
      { numRuns: 400 },
    );
  });

  test("goes on with nothing whose RESUME_OK was touched", () => {
    fc.assert(
      fc.property(damage, (how) => {
        const acceptor = makeAcceptor();
        const client = new Client();
        greeted({ acceptor, client });
        let intact = false;
        const toClient = (frame: Uint8Array): Uint8Array => {
          const spoiled = spoil(frame, how);
          // What comes behind a good frame is the session's matter.
          intact = Buffer.compare(spoiled.subarray(0, frame.length), frame) === 0;
          return spoiled;
        };
        const meeting = new Meeting({ acceptor, client, toClient }).start().run();
        expect(meeting.clientOutcome?.type === "resumed").toBe(intact);
        expect(client.session.attached).toBe(intact);
        if (intact) expect(meeting.clientOutcome).toHaveProperty("rest", new Uint8Array(how.tail));
      }),
      { numRuns: 400 },
    );
  });
});
