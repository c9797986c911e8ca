// Directed cases about links and positions: what worlds meet too rarely, one promise each.
import { KIND } from "../../session/codes.ts";
import { toyHmac } from "./toy-hmac.ts";
import { contentOf, firstWrongByte } from "./content.ts";
import { Duo } from "./duo.ts";

/** Throws a `Violation` if its promise is not kept. */
export type SessionCase = () => void;

const NOTHING = new Uint8Array();

/** A stream of the server's with so many bytes for the client, and what the client has of them. */
function upload(duo: Duo, bytes: number) {
  const stream = duo.server.open(KIND.tcp, NOTHING);
  if (bytes > 0) stream.write(contentOf(0, 0, bytes));
  return stream;
}

/** Read everything that the client has; it must go on at `from`. */
function readAll(duo: Duo, from: number): number {
  let at = from;
  for (const stream of duo.client.streams()) {
    for (let piece = stream.read(); piece !== undefined; piece = stream.read()) {
      duo.expect(firstWrongByte(0, at, piece) < 0, "content", `wrong bytes behind ${at}`);
      at += piece.length;
      stream.consumed(piece.length);
    }
  }
  return at;
}

export const linkCases: Readonly<Record<string, SessionCase>> = {
  "D1: the rest of a cut frame comes first, also without room and with an ACK due": () => {
    const duo = new Duo();
    duo.connect();
    duo.flow();
    upload(duo, 15_000);
    const pieces = duo.take("server");
    const all = pieces.reduce((sum, { length }) => sum + length, 0);
    const bytes = new Uint8Array(all);
    pieces.reduce((at, piece) => (bytes.set(piece, at), at + piece.length), 0);
    duo.give("client", [bytes.subarray(0, 5_000)]);
    // The server owes an ACK: the client has opened a stream.
    duo.client.open(KIND.tcp, NOTHING).write(contentOf(0, 0, 3_000));
    duo.give("server", duo.take("client"));
    duo.now += 100;
    duo.tick();
    duo.cut();
    duo.connect();
    const rest = duo.take("server", 0);
    duo.expect(
      rest.reduce((sum, { length }) => sum + length, 0) > 9_000,
      "R9b",
      "without room nothing came of the cut frame",
    );
    duo.give("client", rest);
    duo.flow(1_000);
    duo.expect(readAll(duo, 0) === 15_000, "content", "not everything came");
  },

  "D5: without room nothing is said": () => {
    const duo = new Duo();
    duo.connect();
    upload(duo, 10_000);
    duo.client.ping(duo.now);
    duo.server.ping(duo.now);
    for (const room of [0, -1, -100_000])
      for (const side of ["client", "server"] as const)
        duo.expect(duo.take(side, room).length === 0, "room", `said something with room ${room}`);
  },

  "a half-read unsequenced frame is forgotten with its link": () => {
    const duo = new Duo();
    duo.connect();
    duo.flow();
    duo.server.ping(duo.now);
    const [ping = NOTHING] = duo.take("server");
    duo.give("client", [ping.subarray(0, 11)]);
    duo.cut();
    duo.connect();
    upload(duo, 2_000);
    duo.flow(100);
    duo.expect(readAll(duo, 0) === 2_000, "content", "not everything came");
  },

  "a half-read header is forgotten with its link": () => {
    const duo = new Duo();
    duo.connect();
    duo.flow();
    upload(duo, 100);
    const [open = NOTHING] = duo.take("server");
    for (let length = 1; length < 8; length++) {
      const { rx } = duo.client.position;
      duo.give("client", [open.subarray(0, length)]);
      duo.expect(duo.client.position.rx === rx, "rx", `${length} bytes of a header are counted`);
      duo.cut();
      duo.connect();
    }
    duo.flow(100);
    duo.expect(readAll(duo, 0) === 100, "content", "not everything came");
  },

  "bytes of an old link are dropped while the session is away": () => {
    const duo = new Duo();
    duo.connect();
    upload(duo, 4_000);
    const late = duo.take("server");
    duo.cut();
    duo.give("client", late);
    duo.expect(duo.client.position.rx === 0, "rx", "late bytes were counted");
    duo.connect();
    duo.flow(100);
    duo.expect(readAll(duo, 0) === 4_000, "content", "not everything came, or too much");
  },

  "the server samples its position when the old link is detached": () => {
    const duo = new Duo();
    duo.connect();
    duo.flow();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(contentOf(0, 0, 3_000));
    const late = duo.take("client");
    const link = duo.link();
    const step = link.client.start(duo.now);
    if (step.hmac === undefined) return duo.fail("resume", "no proof is asked for");
    const resume = link.client.proved(toyHmac(step.hmac), duo.now).send?.[0] ?? NOTHING;
    // The proof takes its time at the server, and bytes of the old link come meanwhile.
    const asked = link.server.receive(resume, duo.now);
    duo.give("server", late);
    const { rx } = duo.server.position;
    for (let next = asked; ;) {
      for (const frame of next.send ?? []) {
        const view = new DataView(frame.buffer, frame.byteOffset);
        duo.expect(view.getUint32(36) === rx, "rx", `RESUME_OK says ${view.getUint32(36)}, ${rx} are here`);
      }
      if (next.hmac === undefined) break;
      next = link.server.proved(toyHmac(next.hmac), duo.now);
    }
  },

  "DETACH keeps the session": () => {
    const duo = new Duo();
    duo.connect();
    upload(duo, 1_000);
    duo.server.sendDetach(1, 5_000_000);
    duo.give("client", duo.take("server"));
    const detached = duo.events("client").find(({ type }) => type === "detached");
    duo.expect(detached !== undefined, "detach", "nobody was told");
    if (detached?.type === "detached")
      duo.expect(
        detached.reconnectWindowMs <= 600_000,
        "detach",
        `a window of ${detached.reconnectWindowMs} ms`,
      );
    duo.expect(duo.client.end === undefined && duo.server.end === undefined, "detach", "the session ended");
    duo.cut();
    duo.connect();
    duo.flow(100);
    duo.expect(readAll(duo, 0) === 1_000, "content", "not everything came");
  },

  "AUTH is said again on each link until it is answered": () => {
    const duo = new Duo();
    duo.connect();
    duo.client.authenticate(new Uint8Array([1]));
    duo.client.authenticate(new Uint8Array([2]));
    duo.take("client");
    duo.cut();
    duo.connect();
    duo.flow();
    const auth = duo.events("server").filter(({ type }) => type === "auth");
    const [only] = auth;
    duo.expect(
      auth.length === 1 && only?.type === "auth" && only.credentials[0] === 2,
      "auth",
      "not the newest, once",
    );
    if (only?.type === "auth") duo.server.authState(only.serial, 1_000, 0);
    duo.flow();
    duo.expect(
      duo.events("client").some(({ type }) => type === "auth_state"),
      "auth",
      "no verdict came",
    );
    duo.cut();
    duo.connect();
    duo.flow();
    duo.expect(
      !duo.events("server").some(({ type }) => type === "auth"),
      "auth",
      "said again after its answer",
    );
  },

  "D6: small writes into a dead path do not put the verdict off": () => {
    const duo = new Duo({ client: { noProgressMs: 15_000 } });
    duo.connect();
    duo.flow();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    for (let ms = 0; ms < 20_000; ms += 500) {
      stream.write(new Uint8Array(10));
      const handed = duo.take("client").reduce((sum, { length }) => sum + length, 0);
      // The kernel takes all of it at once, and nothing arrives.
      duo.client.linkQueued(handed, duo.now);
      duo.client.linkQueued(0, duo.now);
      duo.now += 500;
      if (duo.client.nextTimeout() <= duo.now) duo.client.timeout(duo.now);
    }
    const failed = duo.events("client").find(({ type }) => type === "link_failed");
    duo.expect(
      failed?.type === "link_failed" && failed.failure.code === "no_progress",
      "no progress",
      "not noticed",
    );
  },

  "bytes that waited here and leave are progress": () => {
    const duo = new Duo({ client: { noProgressMs: 15_000 } });
    duo.connect();
    duo.flow();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    stream.write(new Uint8Array(10_000));
    let queued = duo.take("client").reduce((sum, { length }) => sum + length, 0);
    for (let ms = 0; ms < 40_000; ms += 1_000) {
      duo.client.linkQueued(queued, duo.now);
      duo.now += 1_000;
      queued = Math.max(0, queued - 100);
      if (duo.client.nextTimeout() <= duo.now) duo.client.timeout(duo.now);
    }
    duo.expect(
      !duo.events("client").some(({ type }) => type === "link_failed"),
      "no progress",
      "a slow link was given up",
    );
  },

  "D7: an ACK that waits behind the peer's bulk is waited for": () => {
    const duo = new Duo({
      client: { noProgressMs: 15_000, initialCredit: 400_000, maxWindow: 400_000 },
      server: { replayBytes: 65_536 },
    });
    duo.connect();
    duo.flow();
    duo.client.open(KIND.tcp, NOTHING).write(new Uint8Array(100));
    duo.take("client");
    const bulk = duo.server.open(KIND.tcp, NOTHING);
    let given = 0;
    for (let ms = 0; ms < 30_000; ms += 1_000) {
      bulk.write(new Uint8Array(1_000));
      const pieces = duo.take("server");
      duo.give("client", pieces);
      given += 1_000;
      // What the client acknowledges arrives; what the server would acknowledge never does.
      duo.give(
        "server",
        duo.take("client").filter((piece) => piece[0] === 0x10),
      );
      duo.now += 1_000;
      if (duo.client.nextTimeout() <= duo.now) duo.client.timeout(duo.now);
    }
    duo.expect(given < 65_536 + 65_536, "no progress", "the case is wrong");
    duo.expect(
      !duo.events("client").some(({ type }) => type === "link_failed"),
      "no progress",
      "a link with bulk on it was given up",
    );
  },

  "ACK goes before the log": () => {
    const duo = new Duo({ server: { initialCredit: 1 << 20, maxWindow: 1 << 20 } });
    duo.connect();
    duo.flow();
    const bulk = duo.client.open(KIND.tcp, NOTHING);
    duo.flow();
    bulk.write(new Uint8Array(60_000));
    bulk.write(new Uint8Array(60_000));
    upload(duo, 1_000);
    duo.give("client", duo.take("server"));
    duo.now += 100;
    duo.tick();
    const said = duo.take("client", 100_000);
    const acked = said.findIndex((piece) => piece[0] === 0x10);
    duo.expect(acked >= 0 && acked <= 1, "acks", "the ACK waits behind bulk");
  },

  "a flood of PINGs cannot make output grow": () => {
    const duo = new Duo();
    duo.connect();
    duo.flow();
    for (let i = 0; i < 1_000; i++) {
      duo.client.ping(duo.now);
      duo.give("server", duo.take("client"));
    }
    const answers = duo.take("server").reduce((sum, { length }) => sum + length, 0);
    duo.expect(answers <= 128, "slots", `${answers} bytes wait after 1,000 PINGs`);
  },

  "positions that cannot be end the session, and nothing else": () => {
    for (const position of [10 ** 6, 2 ** 53 - 1]) {
      const duo = new Duo();
      duo.connect();
      duo.flow();
      const ack = new Uint8Array(16);
      ack.set([0x10, 0, 0, 8]);
      const view = new DataView(ack.buffer);
      view.setUint32(8, Math.floor(position / 2 ** 32));
      view.setUint32(12, position % 2 ** 32);
      duo.give("server", [ack]);
      duo.expect(duo.server.end?.reason === "session_lost", "R6", `ACK of ${position} was taken`);
    }
  },

  "what is in flight grows with the path and stays bounded by it": () => {
    const long = paced(100, 40);
    long.duo.expect(
      long.limit > 700_000 && long.limit < 4_000_000,
      "in flight",
      `a path of 1 MB is given ${long.limit}`,
    );
    const short = paced(1, 500);
    short.duo.expect(short.limit < 400_000, "in flight", `a path of 10 KB is given ${short.limit}`);
  },
};

/** Bulk over a path of 10 MB/s with such a round trip; returns what may be, or is, in flight at the end. */
function paced(roundTripMs: number, rounds: number): { readonly duo: Duo; readonly limit: number } {
  const bytesPerMs = 10_000;
  const duo = new Duo({
    client: { replayBytes: 64 << 20, queueBytes: 8 << 20 },
    server: { initialCredit: 8 << 20, maxWindow: 32 << 20, growthBytes: 64 << 20 },
  });
  duo.connect();
  const stream = duo.client.open(KIND.tcp, NOTHING);
  const flying: { at: number; side: "client" | "server"; pieces: Uint8Array[] }[] = [];
  const stepMs = roundTripMs / 20;
  const backlog: Uint8Array[] = [];
  const write = new Uint8Array(65_536);
  let budget = 0;
  for (let step = 0; step < rounds * 20; step++) {
    while (stream.writable) stream.write(write);
    backlog.push(...duo.take("client", 32 << 20));
    // The path takes so much in this step; the rest waits before it.
    const leaving: Uint8Array[] = [];
    budget = Math.min(budget, 0) + bytesPerMs * stepMs;
    while (budget > 0 && backlog.length > 0) {
      budget -= backlog[0]!.length;
      leaving.push(backlog.shift()!);
    }
    flying.push({ at: duo.now + roundTripMs / 2, side: "server", pieces: leaving });
    flying.push({ at: duo.now + roundTripMs / 2, side: "client", pieces: duo.take("server") });
    duo.now += stepMs;
    while (flying.length > 0 && flying[0]!.at <= duo.now) {
      const { side, pieces } = flying.shift()!;
      duo.give(side, pieces);
    }
    for (const theirs of duo.server.streams())
      for (let piece = theirs.read(); piece !== undefined; piece = theirs.read())
        theirs.consumed(piece.length);
    duo.events("server");
    duo.events("client");
    duo.tick();
  }
  const { inFlightLimit, unackedBytes } = duo.client.figures;
  return { duo, limit: Math.max(inFlightLimit, unackedBytes) };
}
