// Two sessions back to back, for tests: everything that one gives out goes to the other, as whole as the test likes.
import { createSession, resolveSessionLimits } from "../../src/session/index.ts";
import type {
  Session,
  SessionEvent,
  SessionLimits,
  SessionOptions,
  SessionStream,
} from "../../src/session/index.ts";

export interface PairOptions {
  readonly client?: Partial<SessionLimits>;
  readonly server?: Partial<SessionLimits>;
  /** Beyond the ranges that `resolveSessionLimits` allows. */
  readonly raw?: Partial<SessionLimits>;
  readonly clientOptions?: Partial<SessionOptions>;
  readonly serverOptions?: Partial<SessionOptions>;
}

/** One session with what it gave out. */
export interface End {
  readonly session: Session;
  readonly events: SessionEvent[];
}

export class Pair {
  readonly client: End;
  readonly server: End;
  now = 0;

  constructor(options: PairOptions = {}) {
    this.client = makeEnd(
      "client",
      { ...resolveSessionLimits(options.client), ...options.raw },
      options.clientOptions,
    );
    this.server = makeEnd(
      "server",
      { ...resolveSessionLimits(options.server), ...options.raw },
      options.serverOptions,
    );
  }

  begin(features = 7): this {
    this.client.session.begin(this.server.session.limits, features, this.now);
    this.server.session.begin(this.client.session.limits, features, this.now);
    return this;
  }

  other(end: End): End {
    return end === this.client ? this.server : this.client;
  }

  /** Everything that `end` has to say now, up to `room` bytes, as one array. */
  take(end: End, room = Infinity): Uint8Array {
    const pieces: Uint8Array[] = [];
    let left = room;
    for (let i = 0; i < 100_000; i++) {
      const piece = end.session.pollTransmit(left, this.now);
      if (piece === undefined) break;
      pieces.push(piece);
      left -= piece.length;
    }
    return join(pieces);
  }

  give(end: End, bytes: Uint8Array): void {
    if (bytes.length > 0) end.session.receive(bytes, this.now);
  }

  /** Carry bytes both ways until nobody has anything to say. */
  flow(): this {
    for (let i = 0; i < 100_000; i++) {
      const up = this.take(this.client, 65_536);
      this.give(this.server, up);
      const down = this.take(this.server, 65_536);
      this.give(this.client, down);
      this.collect();
      if (up.length + down.length === 0) return this;
    }
    throw new Error("they never stop talking");
  }

  /** Let time pass, with all timeouts at their times, and carry what they cause. */
  pass(ms: number): this {
    const until = this.now + ms;
    for (let i = 0; i < 100_000; i++) {
      this.flow();
      const next = Math.min(this.client.session.nextTimeout(), this.server.session.nextTimeout());
      if (next > until) break;
      this.now = Math.max(this.now, next);
      this.client.session.timeout(this.now);
      this.server.session.timeout(this.now);
    }
    this.now = until;
    return this.flow();
  }

  /** The link is cut: what was under way is lost. */
  cut(): this {
    this.client.session.detach(this.now);
    this.server.session.detach(this.now);
    this.collect();
    return this;
  }

  resume(): this {
    const client = this.client.session.position;
    const server = this.server.session.position;
    this.server.session.resume(client, this.now);
    this.client.session.resume(server, this.now);
    return this;
  }

  collect(): void {
    for (const end of [this.client, this.server]) {
      for (let event = end.session.pollEvent(); event !== undefined; event = end.session.pollEvent()) {
        end.events.push(event);
      }
    }
  }

  /** The stream that `end` was told of, with that id. */
  opened(end: End, id: number): SessionStream {
    this.collect();
    for (const event of end.events) {
      if (event.type === "opened" && event.stream.id === id) return event.stream;
    }
    throw new Error(`no stream ${id} was opened`);
  }
}

function makeEnd(
  role: "client" | "server",
  limits: SessionLimits,
  options: Partial<SessionOptions> | undefined,
): End {
  return { session: createSession({ ...options, role, limits }), events: [] };
}

export function join(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Everything that can be read, taken as done with. */
export function readAll(stream: SessionStream): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let piece = stream.read(); piece !== undefined; piece = stream.read()) pieces.push(piece);
  const all = join(pieces);
  stream.consumed(all.length);
  return all;
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function textBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Bytes that say where they are, so that a lost or repeated one is seen. */
export function pattern(length: number, from = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = ((from + i) * 2_654_435_761) >>> 24;
  return bytes;
}
