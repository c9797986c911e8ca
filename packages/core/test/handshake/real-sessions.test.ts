// Both handshakes with real sessions in them: what is written arrives once and in order, over links that are cut in the
// middle of frames and in the middle of the handshakes, with HMACs that are answered at once or later.
import {
  createSession,
  DEFAULT_SESSION_LIMITS,
  KIND,
  type Session,
  type SessionStream,
} from "@holdfast/core/session";
import { Dice } from "@holdfast/core/testing";
import { describe, expect, test } from "vitest";
import type { FakeSession } from "./fake-session.ts";
import { Client, makeAcceptor, Meeting, type MeetingOptions } from "./meeting.ts";

const ROOM = 100_000;

/** A client and its server, and the bytes that the server's application has read. */
class Scene {
  readonly client: Client = new Client();
  readonly acceptor = makeAcceptor({ newSession: () => this.#made("server") });
  readonly dice: Dice;
  readonly read: Buffer[] = [];
  far: Session | undefined;
  stream: SessionStream;
  now = 1_000;

  constructor(seed: number) {
    this.dice = Dice.seeded(seed);
    const session = this.#made("client");
    Object.assign(this.client, { session: { asSession: session } as unknown as FakeSession });
    this.stream = session.open(KIND.tcp, new Uint8Array());
  }

  get near(): Session {
    return this.client.session.asSession;
  }

  #made(role: "client" | "server"): Session {
    const session = createSession({ role, limits: DEFAULT_SESSION_LIMITS });
    if (role === "server") this.far = session;
    return session;
  }

  /** Make a link, and lose it after some bytes, somewhere. @returns whether the handshake was finished. */
  link(budget: number, together: boolean): boolean {
    this.now += 1_000;
    let left = budget;
    const cut = (frame: Uint8Array): Uint8Array => {
      const kept = frame.subarray(0, Math.max(0, left));
      left -= frame.length;
      return kept;
    };
    const options: MeetingOptions = {
      acceptor: this.acceptor,
      client: this.client,
      toServer: cut,
      toClient: cut,
    };
    const meeting = new Meeting(options);
    meeting.now = this.now;
    meeting.start();
    while (meeting.possible.length > 0) {
      const move = this.dice.pick(meeting.possible as [(typeof meeting.possible)[0]]);
      // With the answer, in one piece, comes what the session says first.
      if (move === "toClient" && together && meeting.serverOutcome?.type === "attached" && left > 0) {
        const more = this.#say(this.far!).map(cut);
        meeting.toClient[0] = Buffer.concat([meeting.toClient[0]!, ...more]);
      }
      meeting.move(move);
    }
    const done = meeting.clientOutcome?.type === "greeted" || meeting.clientOutcome?.type === "resumed";
    if (done) {
      if ("rest" in meeting.clientOutcome!) this.near.receive(meeting.clientOutcome.rest, this.now);
      while (left > 0 && this.#exchange(cut));
    }
    this.near.detach(this.now);
    meeting.server.linkEnded(this.now);
    return done;
  }

  #say(session: Session): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let piece = session.pollTransmit(ROOM, this.now); piece !== undefined;) {
      pieces.push(piece.slice());
      piece = session.pollTransmit(ROOM, this.now);
    }
    return pieces;
  }

  /** Each says what it has to say. @returns whether that was anything. */
  #exchange(cut: (frame: Uint8Array) => Uint8Array): boolean {
    this.now += 30;
    const far = this.far!;
    for (const session of [this.near, far]) if (session.nextTimeout() <= this.now) session.timeout(this.now);
    const [there, back] = [this.#say(this.near), this.#say(far)];
    for (const piece of there) far.receive(cut(piece), this.now);
    for (const piece of back) this.near.receive(cut(piece), this.now);
    for (const stream of far.streams()) {
      for (let piece = stream.read(); piece !== undefined; piece = stream.read()) {
        this.read.push(Buffer.from(piece));
        stream.consumed(piece.length);
      }
    }
    return there.length + back.length > 0;
  }
}

describe("real sessions", () => {
  test.each([1, 2, 3, 4, 5])("seed %i: every byte arrives once, whatever is cut", (seed) => {
    const scene = new Scene(seed);
    const { dice } = scene;
    const written: Buffer[] = [];
    let finished = 0;
    for (let links = 0; links < 60; links++) {
      const bytes = Buffer.from(Array.from({ length: dice.whole(0, 9_000) }, () => dice.whole(0, 255)));
      if (scene.stream.writable) {
        written.push(bytes);
        scene.stream.write(bytes);
      }
      if (scene.link(Math.floor(dice.magnitude(20, 30_000)), dice.chance(0.5))) finished += 1;
      expect(scene.near.end).toBeUndefined();
      expect(scene.acceptor.size).toBeLessThanOrEqual(1);
    }
    scene.link(10_000_000, false);
    expect(finished).toBeGreaterThan(10);
    expect(Buffer.concat(scene.read).equals(Buffer.concat(written))).toBe(true);
    expect(scene.near.figures.resumes).toBeGreaterThan(5);
  });
});
