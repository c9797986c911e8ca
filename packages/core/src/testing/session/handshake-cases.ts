// Directed cases about who may have a session: proofs, claims, repeated HELLOs, and what is remembered of the dead.
import { FEATURE, KIND, REFUSE } from "../../session/codes.ts";
import { decodeRefuse, encodeRefuse } from "../../session/wire/refuse.ts";
import { Duo } from "./duo.ts";
import type { SessionCase } from "./link-cases.ts";

const NOTHING = new Uint8Array();
const SECRET_HASH = new Uint8Array(32).fill(7);
const exporterOf = (byte: number): { exporter: Uint8Array } => ({ exporter: new Uint8Array(32).fill(byte) });

export const handshakeCases: Readonly<Record<string, SessionCase>> = {
  "no byte of a RESUME may be changed": () => {
    for (const at of [12, 27, 28, 31, 32, 47, 55, 63, 64, 95]) {
      const duo = new Duo();
      duo.connect();
      duo.flow();
      const link = duo.link().start();
      const frame = link.clientOut.splice(0)[0]!.slice();
      frame[at]! ^= 1;
      link.up([frame]);
      duo.expect(
        link.serverOutcome === undefined && link.refused === "no_session",
        "proof",
        `byte ${at} does not matter`,
      );
      duo.expect(duo.server.attached, "proof", "a forged RESUME took the link away");
    }
  },

  "no byte of a RESUME_OK may be changed": () => {
    for (const at of [11, 15, 16, 31, 39, 47, 48, 79]) {
      const duo = new Duo();
      duo.connect();
      duo.flow();
      const link = duo.link().start().up();
      const frame = link.serverOut.splice(0)[0]!.slice();
      frame[at]! ^= 1;
      link.down([frame]);
      duo.expect(link.clientOutcome?.type === "refused", "proof", `byte ${at} does not matter`);
      duo.expect(duo.client.end === undefined, "proof", "a forged RESUME_OK ended the session");
    }
  },

  "a RESUME that is replayed is stale": () => {
    const duo = new Duo();
    duo.connect();
    const link = duo.link().start();
    const frames = [...link.clientOut];
    link.carry();
    duo.flow();
    const replay = duo.link();
    replay.up(frames);
    duo.expect(replay.refused === "stale", "claim", `a replayed RESUME: ${replay.refused}`);
    duo.expect(duo.server.attached, "claim", "a replayed RESUME took the link away");
  },

  "D4: who has the highest claim and hears STALE has lost the session to another": () => {
    const duo = new Duo();
    duo.connect();
    duo.flow();
    duo.client.open(KIND.tcp, NOTHING);
    // Somebody else with our state has gone on.
    const { claim } = duo.instance;
    duo.link().start().up();
    duo.link().start().up();
    duo.instance.claim = claim;
    const link = duo.link().start().carry();
    const { clientOutcome } = link;
    duo.expect(
      clientOutcome?.type === "session_lost" && clientOutcome.newInstance,
      "stale",
      `${clientOutcome?.type}`,
    );
    const [stream] = [...duo.client.streams()];
    duo.expect(duo.client.end?.reason === "session_lost", "stale", "the session goes on");
    duo.expect(stream === undefined || stream.received?.type === "reset", "stale", "a stream goes on");
  },

  "every attempt raises the claim, also one that comes to nothing": () => {
    const duo = new Duo();
    duo.connect();
    const { claim } = duo.instance;
    duo.link().start();
    duo.link().start().up();
    const link = duo.link().start();
    duo.expect(duo.instance.claim === claim + 3, "claim", `from ${claim} to ${duo.instance.claim}`);
    link.carry();
    duo.expect(link.clientOutcome?.type === "resumed", "claim", "the third attempt was not taken");
  },

  "a HELLO whose answer was lost is no second session": () => {
    const duo = new Duo();
    duo.link().start().up();
    duo.link().start().up();
    duo.connect();
    duo.flow();
    duo.expect(duo.acceptor.size === 1, "hello", `${duo.acceptor.size} sessions for one client`);
  },

  "a HELLO with a new nonce replaces the instance's session": () => {
    const duo = new Duo();
    duo.connect();
    duo.flow();
    const before = duo.server;
    duo.renew();
    duo.connect();
    duo.expect(duo.acceptor.size === 1, "hello", `${duo.acceptor.size} sessions for one client`);
    duo.expect(before.end?.reason === "replaced", "hello", "the old one goes on");
  },

  "a resume needs the TLS connection that it was signed for": () => {
    const features = FEATURE.resume | FEATURE.tlsBinding;
    const duo = new Duo({ features, trust: exporterOf(1) });
    duo.connect();
    duo.flow();
    const link = duo.link(exporterOf(2), exporterOf(3)).start().up();
    duo.expect(link.refused === "no_session", "exporter", `somebody in between: ${link.refused}`);
    const none = duo.link({ exporter: undefined }, exporterOf(3)).start().up();
    duo.expect(none.serverOutcome?.type !== "attached", "exporter", "a link that cannot be bound was taken");
    duo.connect();
  },

  "a shared secret is proved over the TLS connection": () => {
    const duo = new Duo({ secretHash: SECRET_HASH, trust: exporterOf(1) });
    const between = duo.link(exporterOf(2)).start().carry();
    duo.expect(
      between.clientOutcome?.type === "refused" && between.refused === "unauthorized",
      "secret",
      "somebody in between",
    );
    duo.connect();
  },

  "a proof without an exporter is not taken unless that was configured": () => {
    // A link that cannot be bound, and is no local one: a proxy ends its TLS.
    const duo = new Duo({ secretHash: SECRET_HASH });
    const link = duo.link({ confidential: false }).start().carry();
    duo.expect(link.refused === "unauthorized", "secret", `unbound proof: ${link.refused}`);
  },

  "a client without the secret gets no session": () => {
    const duo = new Duo({ secretHash: SECRET_HASH, trust: exporterOf(1) });
    const stranger = new Duo({ trust: exporterOf(1), seed: 8 });
    const hello = stranger.link().start().clientOut;
    const link = duo.link().up(hello);
    duo.expect(
      link.refused === "unauthorized" && duo.acceptor.size === 0,
      "secret",
      `a stranger: ${link.refused}`,
    );
  },

  "hints are cut to ten minutes": () => {
    const duo = new Duo();
    const frame = encodeRefuse({ code: REFUSE.busy, retryAfterMs: 10 ** 9, alternative: undefined });
    const forged = frame.slice();
    new DataView(forged.buffer).setUint32(12, 2 ** 32 - 1);
    for (const bytes of [frame, forged]) {
      const { retryAfterMs } = decodeRefuse(bytes);
      duo.expect(retryAfterMs <= 600_000, "hints", `${retryAfterMs} ms`);
    }
  },

  "more sessions than allowed are told BUSY": () => {
    const duo = new Duo({ maxSessions: 1 });
    duo.connect();
    const other = new Duo({ seed: 8 });
    const link = duo.link().up(other.link().start().clientOut);
    duo.expect(link.refused === "busy" && duo.acceptor.size === 1, "sessions", `the second: ${link.refused}`);
  },

  "a session that is away too long expires, and its streams are told": () => {
    const duo = new Duo({ resumeTtlMs: 10_000 });
    const link = duo.connect();
    const stream = duo.client.open(KIND.tcp, NOTHING);
    duo.flow();
    const [theirs] = [...duo.server.streams()];
    duo.client.detach(duo.now);
    link.server.linkEnded(duo.now);
    duo.now += 10_001;
    duo.tick();
    duo.expect(
      duo.server.end?.reason === "expired" && duo.acceptor.size === 0,
      "expiry",
      "it is still there",
    );
    duo.expect(theirs?.received?.type === "reset", "expiry", "a stream of it was not told");
    const back = duo.link().start().carry();
    duo.expect(
      back.clientOutcome?.type === "session_lost" && back.clientOutcome.hello,
      "expiry",
      `${back.clientOutcome?.type}`,
    );
    duo.expect(stream.received?.type === "reset", "expiry", "a stream here was not told");
    duo.expect(
      stream.received?.type === "reset" && stream.sent?.type === "reset",
      "expiry",
      "a lost stream ends as if complete",
    );
  },
};
