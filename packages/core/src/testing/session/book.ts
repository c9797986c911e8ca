// What the two applications of a session did and saw, known to both at once, as no real end can know it. Whatever an
// end is told is held against it.
import type { SessionLimits } from "../../session/limits.ts";
import type { Session } from "../../session/session.ts";
import { contentBase } from "./content.ts";
import { Sequence } from "./sequence.ts";

export type Side = "client" | "server";

export function otherSide(side: Side): Side {
  return side === "client" ? "server" : "client";
}

/** One direction of a stream: what its writer did, what its reader saw. */
export interface WayTruth {
  readonly base: number;
  writtenBytes: number;
  ended: boolean;
  readBytes: number;
  /** The reader was told the end, and had read everything before. */
  seen: "finished" | "reset" | undefined;
}

/** What one end's application did to a stream besides writing and reading. */
interface Deeds {
  /** Codes of `reset`. */
  resetCode: number | undefined;
  stopCode: number | undefined;
  /** The application was given the stream (or opened it). */
  known: boolean;
  forgotten: boolean;
}

export interface StreamTruth {
  readonly id: number;
  readonly opener: Side;
  readonly kind: number;
  readonly metadata: Uint8Array;
  /** By who writes. */
  readonly ways: Readonly<Record<Side, WayTruth>>;
  readonly deeds: Readonly<Record<Side, Deeds>>;
}

/** One session as both ends and the wire see it. */
export class SessionBook {
  readonly id: string;
  readonly number: number;
  readonly client: Sequence;
  readonly server: Sequence;
  readonly sessions: Record<Side, Session | undefined> = { client: undefined, server: undefined };
  readonly streams: Map<number, StreamTruth> = new Map();
  /** Whether each side has asked for a GOAWAY (or a drain), and refuses what comes then. */
  readonly goneAway: Record<Side, boolean> = { client: false, server: false };
  /** Nobody can promise anything any more: the session was lost on purpose, or closed at once. */
  broken = false;
  readonly drained: Record<Side, boolean> = { client: false, server: false };
  readonly datagrams: Readonly<Record<Side, Set<string>>> = { client: new Set(), server: new Set() };
  readonly authSerials: { asked: number; answered: number } = { asked: 0, answered: 0 };

  constructor(
    id: string,
    number: number,
    limits: Readonly<Record<Side, SessionLimits>>,
    fail: (invariant: string, message: string) => void,
  ) {
    this.id = id;
    this.number = number;
    this.client = new Sequence(true, limits.client, limits.server, fail);
    this.server = new Sequence(false, limits.server, limits.client, fail);
    this.client.other = this.server;
    this.server.other = this.client;
  }

  join(side: Side, session: Session): void {
    this.sessions[side] = session;
    this[side].session = session;
  }

  opened(opener: Side, id: number, kind: number, metadata: Uint8Array): StreamTruth {
    const way = (side: Side): WayTruth => ({
      base: contentBase(this.number, id, side === "client"),
      writtenBytes: 0,
      ended: false,
      readBytes: 0,
      seen: undefined,
    });
    const deeds = (known: boolean): Deeds => ({
      resetCode: undefined,
      stopCode: undefined,
      known,
      forgotten: false,
    });
    const truth: StreamTruth = {
      id,
      opener,
      kind,
      metadata,
      ways: { client: way("client"), server: way("server") },
      deeds: { client: deeds(opener === "client"), server: deeds(opener === "server") },
    };
    this.streams.set(id, truth);
    return truth;
  }

  /** Bytes that were written on one side and read on the other. */
  get bytesRead(): number {
    let sum = 0;
    for (const { ways } of this.streams.values()) sum += ways.client.readBytes + ways.server.readBytes;
    return sum;
  }
}
