// Directed cases about streams, their ends, and the session's: one promise each.
import { KIND } from "../../session/codes.ts";
import type { SessionStream } from "../../session/stream.ts";
import { contentOf } from "./content.ts";
import { Duo } from "./duo.ts";
import type { SessionCase } from "./link-cases.ts";

const NOTHING = new Uint8Array();

/** A frame as a peer that keeps no rules would send it. */
function forged(type: number, id: number, payload: readonly number[]): Uint8Array {
  const { length } = payload;
  return new Uint8Array([
    type,
    length >> 16,
    length >> 8,
    length,
    id >>> 24,
    id >>> 16,
    id >>> 8,
    id,
    ...payload,
  ]);
}

function started(options: ConstructorParameters<typeof Duo>[0] = {}): Duo {
  const duo = new Duo(options);
  duo.connect();
  duo.flow();
  return duo;
}

/** The server's end of the client's newest stream. */
function theirs(duo: Duo): SessionStream {
  const opened = duo.events("server").findLast(({ type }) => type === "opened");
  return opened?.type === "opened" ? opened.stream : duo.fail("streams", "no stream was opened");
}

/** Carry bytes until the client says CLOSE, which is returned instead of carried. */
function sayClose(duo: Duo): readonly Uint8Array[] {
  for (let i = 0; i < 50; i++) {
    const pieces = duo.take("client");
    if (pieces.some((piece) => piece[0] === 0x14)) return pieces;
    duo.give("server", pieces);
    duo.give("client", duo.take("server"));
    duo.now += 5;
    duo.tick();
  }
  return duo.fail("drain", "CLOSE is never said");
}

export const streamCases: Readonly<Record<string, SessionCase>> = {
  "D2: late DATA for a stream that was refused may not exceed its credit": () => {
    for (const [bytes, allowed] of [
      [1_000, true],
      [1_001, false],
    ] as const) {
      const duo = started({ server: { initialCredit: 1_000 } });
      duo.client.open(KIND.tcp, NOTHING);
      duo.flow();
      theirs(duo).reset();
      duo.take("server");
      duo.give("server", [
        forged(
          0x81,
          1,
          Array.from({ length: bytes }, () => 0),
        ),
      ]);
      const { rx } = duo.server.position;
      duo.expect(
        (duo.server.end === undefined) === allowed,
        "credit",
        `${bytes} bytes for a credit of 1,000`,
      );
      if (allowed) duo.expect(rx > bytes, "credit", "late DATA was not counted");
    }
  },

  "D3: frames for forgotten streams are counted and thrown away, for others they are errors": () => {
    for (const frame of [forged(0x82, 1, [0, 0, 0, 0, 0, 0, 0, 9]), forged(0x85, 1, [0, 0, 0, 1])]) {
      const duo = started();
      const stream = duo.client.open(KIND.tcp, NOTHING);
      duo.flow();
      const other = theirs(duo);
      stream.end();
      other.end();
      duo.flow(100);
      duo.expect([...duo.server.streams()].length === 0, "table", "an ended stream is still there");
      const { rx } = duo.server.position;
      duo.give("server", [frame]);
      duo.expect(duo.server.end === undefined, "forgotten", "a late frame ended the session");
      duo.expect(duo.server.position.rx === rx + frame.length, "forgotten", "a late frame was not counted");
      const unknown = frame.slice();
      unknown[7] = 3;
      duo.give("server", [unknown]);
      duo.expect(duo.server.end?.reason === "session_lost", "streams", "a stream that never was is accepted");
    }
  },

  "a flood of OPENs is an error": () => {
    const duo = started({ server: { maxStreams: 3 } });
    for (let id = 1; id <= 7; id += 2) duo.give("server", [forged(0x80, id, [0, 1])]);
    duo.expect(duo.server.end?.reason === "session_lost", "flood", "a fourth stream of three was taken");
  },

  "ended streams that nobody reads take room, and new ones are refused as not processed": () => {
    const duo = started({ server: { maxStreams: 2 } });
    for (let i = 0; i < 2; i++) {
      const stream = duo.client.open(KIND.tcp, NOTHING);
      stream.write(contentOf(0, 0, 10));
      stream.end();
      duo.flow();
      theirs(duo).end();
      duo.flow(100);
    }
    const third = duo.client.open(KIND.tcp, NOTHING);
    duo.flow(100);
    duo.expect(duo.server.end === undefined, "refusal", "the session ended");
    duo.expect(
      third.received?.type === "reset" && third.received.code === 2,
      "refusal",
      `${JSON.stringify(third.received)}`,
    );
    duo.expect(
      !duo.events("server").some(({ type }) => type === "opened"),
      "refusal",
      "the application saw it",
    );
  },

  "windows grow from the pool and give everything back": () => {
    const duo = started({ server: { maxWindow: 1 << 20, growthBytes: 1 << 22 } });
    const stream = duo.client.open(KIND.tcp, NOTHING);
    let least = duo.growth.server.free;
    let other: SessionStream | undefined;
    for (let i = 0; i < 100; i++) {
      while (stream.writable) stream.write(contentOf(0, 0, 4_000));
      duo.flow();
      other ??= theirs(duo);
      for (let piece = other.read(); piece !== undefined; piece = other.read()) other.consumed(piece.length);
      duo.flow();
      duo.now += 1;
      least = Math.min(least, duo.growth.server.free);
    }
    duo.expect(
      least < duo.growth.server.size - 500_000,
      "window",
      `it grew by ${duo.growth.server.size - least} bytes`,
    );
    stream.reset();
    duo.flow(1_000);
    duo.expect(duo.growth.server.free === duo.growth.server.size, "pool", "growth was not given back");
    duo.expect(duo.replay.client.free === duo.replay.client.size, "pool", "the log was not given back");
  },

  "a lost session gives its pools back and resets its streams": () => {
    const duo = started({ server: { maxWindow: 1 << 20 } });
    const stream = duo.client.open(KIND.tcp, NOTHING);
    for (let i = 0; i < 40; i++) {
      while (stream.writable) stream.write(contentOf(0, 0, 4_000));
      duo.flow();
      for (const open of duo.server.streams())
        for (let piece = open.read(); piece !== undefined; piece = open.read()) open.consumed(piece.length);
    }
    stream.write(contentOf(0, 0, 100));
    for (const side of ["client", "server"] as const)
      duo.session(side).lose({ reason: "session_lost", code: 6, clean: false, error: undefined }, duo.now);
    duo.expect(
      stream.received?.type === "reset" && stream.sent?.type === "reset",
      "lost",
      "a stream was not told",
    );
    for (const side of ["client", "server"] as const) {
      duo.expect(duo.growth[side].free === duo.growth[side].size, "pool", `${side}: windows`);
      duo.expect(duo.replay[side].free === duo.replay[side].size, "pool", `${side}: logs`);
    }
  },

  "STOP leaves the other direction whole": () => {
    const duo = started();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(contentOf(0, 0, 500));
    duo.flow();
    const other = theirs(duo);
    stream.stop(77);
    duo.flow(100);
    duo.expect(other.sent?.type === "reset" && other.sent.code === 77, "stop", "the sender was not stopped");
    stream.write(contentOf(0, 500, 500));
    stream.end();
    duo.flow(100);
    let read = 0;
    for (let piece = other.read(); piece !== undefined; piece = other.read()) read += piece.length;
    duo.expect(
      read === 1_000 && other.received?.type === "finished",
      "stop",
      `${read} bytes, ${other.received?.type}`,
    );
  },

  "CREDIT that is due survives a RESET of the same stream": () => {
    const duo = started({ server: { initialCredit: 1_000, maxWindow: 1_000 } });
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(contentOf(0, 0, 3_000));
    duo.flow(100);
    const other = theirs(duo);
    for (let piece = other.read(); piece !== undefined; piece = other.read()) other.consumed(piece.length);
    // CREDIT waits for room; the client stops the other direction meanwhile, which is answered by a RESET.
    stream.stop(5);
    duo.give("server", duo.take("client"));
    duo.flow(100);
    duo.expect(stream.bytesOut > 1_000, "credit", `${stream.bytesOut} bytes, and no CREDIT comes`);
  },

  "CREDIT that is due survives the loss of the link": () => {
    const duo = started({ server: { initialCredit: 1_000, maxWindow: 1_000 } });
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(contentOf(0, 0, 3_000));
    duo.flow(100);
    const other = theirs(duo);
    for (let piece = other.read(); piece !== undefined; piece = other.read()) other.consumed(piece.length);
    // CREDIT waits for room when the link is cut.
    duo.cut();
    duo.connect();
    duo.flow(100);
    duo.expect(stream.bytesOut > 1_000, "credit", `${stream.bytesOut} bytes, and no CREDIT comes`);
  },

  "whatever is asked from outside says that there is work": () => {
    const duo = started({ client: { initialCredit: 1_000, maxWindow: 1_000 } });
    const { client } = duo;
    const incoming = duo.server.open(KIND.tcp, NOTHING);
    incoming.write(contentOf(0, 0, 1_000));
    duo.flow(100);
    const [other] = [...client.streams()];
    if (other === undefined) return duo.fail("streams", "no stream came");
    for (let piece = other.read(); piece !== undefined; piece = other.read());
    let stream = other;
    let flow = 0;
    const asked: Readonly<Record<string, () => unknown>> = {
      consumed: () => other.consumed(1_000),
      open: () => (stream = client.open(KIND.tcp, NOTHING)),
      openFlow: () => (flow = client.open(KIND.udp, NOTHING).id),
      write: () => stream.write(contentOf(0, 0, 10)),
      sendDatagram: () => client.sendDatagram(flow, contentOf(0, 0, 10)),
      stop: () => stream.stop(),
      end: () => stream.end(),
      reset: () => other.reset(),
      ping: () => client.ping(duo.now),
      authenticate: () => client.authenticate(NOTHING),
      goAway: () => client.goAway(1, 0),
      sendDetach: () => client.sendDetach(1, 0),
      drain: () => client.drain(1_000, duo.now),
      close: () => client.close(0, "", duo.now),
    };
    for (const [name, ask] of Object.entries(asked)) {
      duo.take("client");
      const before = duo.work.client;
      ask();
      duo.expect(duo.work.client > before, "work", `${name} does not say so`);
    }
  },

  "what a GOAWAY leaves behind was never seen": () => {
    const duo = started();
    const seen = duo.client.open(KIND.tcp, NOTHING);
    duo.flow();
    theirs(duo);
    duo.server.goAway(1, 0);
    const goAway = duo.take("server");
    const unseen = duo.client.open(KIND.tcp, NOTHING);
    const late = duo.take("client");
    const waiting = duo.client.open(KIND.tcp, NOTHING);
    duo.give("client", goAway);
    duo.give("server", late);
    duo.flow(100);
    duo.expect(seen.received === undefined, "goaway", "a stream that was taken is gone");
    for (const stream of [unseen, waiting])
      duo.expect(
        stream.received?.type === "reset" && stream.received.code === 2,
        "goaway",
        `stream ${stream.id} was not told`,
      );
    duo.expect(
      !duo.events("server").some(({ type }) => type === "opened"),
      "goaway",
      "a late stream was seen",
    );
    duo.expect(!duo.client.canOpen, "goaway", "streams can be opened");
  },

  "a stream that was opened and reset while away never existed": () => {
    const duo = started();
    duo.cut();
    duo.client.open(KIND.tcp, NOTHING).reset();
    duo.connect();
    duo.flow(100);
    duo.expect(!duo.events("server").some(({ type }) => type === "opened"), "away", "it was seen");
    const { rx } = duo.server.position;
    duo.expect(rx === 0, "away", `${rx} bytes were said about it`);
  },

  "CLOSE says what arrived: nothing is clean that was not received": () => {
    const duo = started();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(contentOf(0, 0, 1_000));
    stream.end();
    duo.take("client");
    duo.server.close(0, "enough", duo.now);
    duo.give("client", duo.take("server"));
    duo.expect(
      duo.client.end !== undefined && !duo.client.end.clean,
      "close",
      "1,000 lost bytes are called clean",
    );
    duo.expect(stream.received?.type === "reset", "close", "an open stream was not reset");
  },

  "CLOSE drops nothing that was received": () => {
    const duo = started();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(contentOf(0, 0, 1_000));
    stream.end();
    duo.flow(100);
    const other = theirs(duo);
    other.end();
    duo.flow(100);
    duo.client.close(0, "done", duo.now);
    duo.give("server", duo.take("client"));
    let read = 0;
    for (let piece = other.read(); piece !== undefined; piece = other.read()) read += piece.length;
    duo.expect(
      read === 1_000 && other.received?.type === "finished",
      "close",
      `${read} bytes, ${other.received?.type}`,
    );
  },

  "a drain delivers everything, then closes, cleanly at both ends": () => {
    const duo = started();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(contentOf(0, 0, 5_000));
    stream.end();
    duo.flow();
    const other = theirs(duo);
    other.end();
    duo.client.drain(1_000, duo.now);
    duo.flow(500);
    let read = 0;
    for (let piece = other.read(); piece !== undefined; piece = other.read()) read += piece.length;
    duo.flow(2_000);
    duo.expect(read === 5_000, "drain", `${read} of 5,000 bytes`);
    for (const side of ["client", "server"] as const)
      duo.expect(
        duo.session(side).end?.clean === true,
        "drain",
        `${side}: ${JSON.stringify(duo.session(side).end)}`,
      );
  },

  "a drain resets at its deadline what does not end": () => {
    const duo = started();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    duo.flow();
    duo.client.drain(1_000, duo.now);
    duo.flow(999);
    duo.expect(stream.received === undefined, "drain", "too early");
    duo.flow(2_000);
    duo.expect(
      stream.received?.type === "reset" && duo.client.end?.reason === "closed",
      "drain",
      "it waits for ever",
    );
  },

  "a drain whose answer is lost ends within five seconds, unconfirmed": () => {
    const duo = started();
    duo.client.drain(1_000, duo.now);
    sayClose(duo);
    const begun = duo.now;
    for (let ms = 0; ms < 20_000 && duo.client.end === undefined; ms += 100) {
      duo.take("client");
      duo.now = begun + ms;
      if (duo.client.nextTimeout() <= duo.now) duo.client.timeout(duo.now);
    }
    const { end } = duo.client;
    const tookMs = duo.now - begun;
    duo.expect(end !== undefined && tookMs >= 4_000 && tookMs <= 5_500, "drain", `${tookMs} ms`);
    duo.expect(end?.clean === false, "drain", "an end that nobody confirmed is called clean");
  },

  "who forgot the session while CLOSE was on its way has heard it": () => {
    const duo = started();
    duo.client.drain(1_000, duo.now);
    duo.give("server", sayClose(duo));
    duo.expect(duo.server.end?.clean === true, "drain", "CLOSE did not come");
    duo.client.detach(duo.now);
    for (const kept of duo.acceptor.sessions()) duo.acceptor.release(kept, duo.now);
    duo.link().start().carry();
    const { end } = duo.client;
    duo.expect(end?.reason === "closed" && end.clean, "drain", JSON.stringify(end));
  },

  "datagrams keep to their limits": () => {
    const duo = started({ client: { datagramBytes: 10_000 } });
    const flow = duo.client.open(KIND.udp, NOTHING);
    duo.expect(
      !duo.client.sendDatagram(flow.id, new Uint8Array(1_201)),
      "datagrams",
      "one of 1,201 bytes was taken",
    );
    duo.expect(!duo.client.sendDatagram(99, new Uint8Array(10)), "datagrams", "one of no flow was taken");
    let taken = 0;
    while (taken < 100 && duo.client.sendDatagram(flow.id, new Uint8Array(1_000))) taken += 1;
    duo.expect(taken === 10, "datagrams", `${taken} of 1,000 bytes wait within 10,000`);
    duo.flow();
    const came = duo.events("server").filter(({ type }) => type === "datagram").length;
    duo.expect(came === 10, "datagrams", `${came} came`);
    duo.cut();
    duo.expect(
      !duo.client.sendDatagram(flow.id, new Uint8Array(10)),
      "datagrams",
      "one was taken while away",
    );
    duo.connect();
    duo.flow();
    duo.expect(!duo.events("server").some(({ type }) => type === "datagram"), "datagrams", "one came twice");
  },

  "a sender keeps no more than it may": () => {
    const duo = started({
      client: { replayBytes: 10_000, queueBytes: 5_000 },
      server: { initialCredit: 100_000 },
    });
    const streams = [0, 1, 2].map(() => duo.client.open(KIND.tcp, NOTHING));
    for (let i = 0; i < 50; i++) {
      for (const stream of streams) if (stream.writable) stream.write(contentOf(0, 0, 500));
      duo.take("client");
    }
    const { unackedBytes } = duo.client.figures;
    duo.expect(unackedBytes <= 10_000 + 200, "S", `${unackedBytes} bytes are kept`);
    for (const stream of streams)
      duo.expect(stream.queuedBytes <= 5_500, "queue", `${stream.queuedBytes} bytes wait`);
  },

  "a keystroke does not wait behind bulk in the queues": () => {
    const duo = started({
      client: { replayBytes: 1 << 22 },
      server: { initialCredit: 1 << 22, maxWindow: 1 << 22 },
    });
    const bulk = duo.client.open(KIND.tcp, NOTHING);
    const shell = duo.client.open(KIND.tcp, NOTHING);
    duo.flow();
    while (bulk.writable) bulk.write(new Uint8Array(65_536));
    duo.take("client", 50_000);
    shell.write(contentOf(0, 0, 1));
    duo.take("client", 40_000);
    duo.expect(shell.queuedBytes === 0, "turns", "it waits behind 40,000 bytes of bulk");
  },
};
