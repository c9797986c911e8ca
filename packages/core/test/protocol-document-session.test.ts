// The examples of docs/PROTOCOL.md that belong into a session: what real sessions send when they are asked for just
// that, byte for byte.
import {
  createSession,
  DEFAULT_SESSION_LIMITS,
  KIND,
  RESET,
  type Session,
  type SessionStream,
} from "@holdfast/core/session";
import { beforeEach, describe, expect, test } from "vitest";
import { example, hex } from "./protocol-examples.ts";

const FEATURES = 7;
const ROOM = 1_000_000;

const text = (ascii: string): Uint8Array => Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));

/** Two sessions on a link that the test moves bytes over. */
class Pair {
  readonly client: Session = createSession({ role: "client", limits: DEFAULT_SESSION_LIMITS });
  readonly server: Session = createSession({ role: "server", limits: DEFAULT_SESSION_LIMITS });
  now = 1_000;

  constructor() {
    this.client.begin(DEFAULT_SESSION_LIMITS, FEATURES, this.now);
    this.server.begin(DEFAULT_SESSION_LIMITS, FEATURES, this.now);
  }

  /** Move what one has to say to the other. @returns it. */
  move(from: Session): Uint8Array {
    const to = from === this.client ? this.server : this.client;
    this.now += 100;
    if (from.nextTimeout() <= this.now) from.timeout(this.now);
    const pieces: Uint8Array[] = [];
    for (;;) {
      const piece = from.pollTransmit(ROOM, this.now);
      if (piece === undefined) break;
      pieces.push(piece.slice());
    }
    const bytes = Buffer.concat(pieces);
    to.receive(bytes, this.now);
    return bytes;
  }

  /** The client's end of the server's stream. */
  get taken(): SessionStream {
    const [stream] = this.client.streams();
    if (stream === undefined) throw new Error("the client has no stream");
    return stream;
  }

  /** The server has sent 0x1234 bytes in all. */
  fill(stream: SessionStream): void {
    stream.write(new Uint8Array(0x1234 - 12 - 8));
    this.move(this.server);
    expect(this.client.position.rx).toBe(0x1234);
  }
}

describe("docs/PROTOCOL.md, 2.12: sessions", () => {
  let pair: Pair;
  let stream: SessionStream;
  let opened: Uint8Array;

  beforeEach(() => {
    pair = new Pair();
    stream = pair.server.open(KIND.tcp, text("{}"));
    opened = pair.move(pair.server);
  });

  function says(from: Session, name: string): void {
    expect(hex(pair.move(from))).toContain(hex(example(name)));
  }

  test("OPEN", () => expect(hex(opened)).toContain(hex(example("OPEN"))));

  test("DATA, FIN", () => {
    stream.write(text("hello"));
    says(pair.server, "DATA");
    stream.end();
    says(pair.server, "FIN");
  });

  test("CREDIT", () => {
    stream.write(new Uint8Array(DEFAULT_SESSION_LIMITS.initialCredit));
    pair.move(pair.server);
    for (let piece = pair.taken.read(); piece !== undefined; piece = pair.taken.read()) {
      pair.taken.consumed(piece.length);
    }
    says(pair.client, "CREDIT");
  });

  test("RESET", () => {
    stream.write(text("hello"));
    pair.move(pair.server);
    stream.reset(RESET.cancelled);
    says(pair.server, "RESET");
  });

  test("STOP, RESET of the sending side", () => {
    stream.write(text("hello"));
    pair.move(pair.server);
    pair.taken.stop(RESET.noReader);
    says(pair.client, "STOP");
    says(pair.server, "RESET of the sending side");
  });

  test("GOAWAY", () => {
    pair.client.goAway(1, 30_000);
    says(pair.client, "GOAWAY");
  });

  test("ACK", () => {
    pair.move(pair.client);
    pair.fill(stream);
    says(pair.client, "ACK");
  });

  test("PING, PONG", () => {
    // Each end pings once on its own as soon as there is a link; the first token is 1.
    pair.fill(stream);
    const said = hex(pair.move(pair.client));
    expect(said).toContain(hex(example("PING")));
    expect(said).toContain(hex(example("PONG")));
  });

  test("DETACH", () => {
    pair.server.sendDetach(1, 5_000);
    says(pair.server, "DETACH");
  });

  test("CLOSE", () => {
    pair.fill(stream);
    pair.client.close(0, "", pair.now);
    says(pair.client, "CLOSE");
  });

  test("AUTH, AUTH_STATE", () => {
    pair.client.authenticate(text("tok"));
    says(pair.client, "AUTH");
    pair.server.authState(1, 3_600_000, 0);
    says(pair.server, "AUTH_STATE");
  });

  test("DATAGRAM", () => {
    const flow = pair.server.open(KIND.udp, new Uint8Array());
    pair.move(pair.server);
    pair.server.sendDatagram(flow.id, text("ping"));
    says(pair.server, "DATAGRAM");
  });
});
