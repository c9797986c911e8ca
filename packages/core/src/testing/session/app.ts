// The application on one side of a session: opens streams, takes those of the other side, sends datagrams and fresh
// credentials. What it is told is held against the book.
import { KIND } from "../../session/codes.ts";
import type { SessionEvent } from "../../session/events.ts";
import type { Session } from "../../session/session.ts";
import type { SessionStream } from "../../session/stream.ts";
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import { AppStream, type StreamPlan, type StreamSurroundings } from "./app-stream.ts";
import { otherSide, type SessionBook, type Side } from "./book.ts";
import { contentBase, contentOf, firstWrongByte } from "./content.ts";
import type { SessionKnobs } from "./knobs.ts";

export interface AppCounts {
  bytesChecked: number;
  resets: number;
  stops: number;
  notProcessed: number;
  streams: number;
  datagrams: number;
}

const RETRY_MS = 50;
/** A large stream that is written byte by byte shows no more than a small one, and takes minutes. */
const MOST_WRITES = 8_192;

export class App {
  readonly session: Session;
  readonly side: Side;
  readonly book: SessionBook;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #knobs: SessionKnobs;
  readonly #counts: AppCounts;
  readonly #around: StreamSurroundings;
  readonly #streams: Map<SessionStream, AppStream> = new Map();
  #opened = 0;
  #opening = false;
  #flows: SessionStream[] = [];
  #datagramsMade = 0;
  readonly #credentials: Map<number, number> = new Map();

  constructor(
    world: World,
    dice: Dice,
    knobs: SessionKnobs,
    side: Side,
    book: SessionBook,
    session: Session,
    counts: AppCounts,
    touched: () => void,
  ) {
    this.#world = world;
    this.#dice = dice;
    this.#knobs = knobs;
    this.side = side;
    this.book = book;
    this.session = session;
    this.#counts = counts;
    const { initialCredit, growthBytes, maxWindow } = knobs.limits[side];
    const grown = initialCredit + Math.min(growthBytes, knobs.growthPoolBytes[side]);
    const mostBuffered = Math.max(initialCredit, Math.min(maxWindow, grown));
    this.#around = { world, dice, book, side, touched, counts, mostBuffered };
  }

  start(): void {
    this.#opening = true;
    const { app } = this.#knobs;
    for (let i = 0; i < app.atATime; i++)
      this.#world.after(this.#dice.between(0, 500), () => this.#openNext());
    if (app.datagrams) this.#world.after(this.#dice.between(0, 1_000), () => this.#sendDatagram());
    if (app.auth && this.side === "client")
      this.#world.after(this.#dice.between(0, 20_000), () => this.#authenticate());
  }

  /** No new streams. What is open goes on to its end. */
  finish(): void {
    this.#opening = false;
    for (const flow of this.#flows) this.#streams.get(flow)?.hurry();
    this.#flows = [];
  }

  /** Everything that was opened here has ended and was forgotten. */
  get idle(): boolean {
    for (const stream of this.#streams.values()) if (!stream.done) return false;
    return true;
  }

  get unfinished(): readonly AppStream[] {
    return [...this.#streams.values()].filter(({ done }) => !done);
  }

  goAway(drainMs: number): void {
    this.book.goneAway[this.side] = true;
    this.session.goAway(1, drainMs);
    this.#around.touched();
  }

  hear(event: SessionEvent): void {
    switch (event.type) {
      case "opened":
        return this.#accept(event.stream);
      case "readable":
        return this.#of(event.stream).readable();
      case "writable":
        return this.#of(event.stream).writable();
      case "forgotten":
        return this.#forgotten(event.stream);
      case "datagram":
        return this.#datagram(event.flow, event.bytes);
      case "going_away":
        if (!this.book.goneAway[otherSide(this.side)]) this.#fail("events", "going_away, and nobody goes");
        if (this.session.canOpen) this.#fail("goaway", "streams can still be opened");
        return;
      case "auth":
        return this.#judge(event.serial, event.credentials);
      case "auth_state":
        return this.#authState(event.serial);
      default:
    }
  }

  #of(stream: SessionStream): AppStream {
    const found = this.#streams.get(stream);
    if (found === undefined) return this.#fail("events", `of stream ${stream.id}, which nobody has`);
    if (found.done) this.#fail("events", `stream ${stream.id} was forgotten`);
    return found;
  }

  #openNext(): void {
    if (!this.#opening || this.session.end !== undefined) return;
    if (this.#opened >= this.#knobs.app.inAll || this.book.goneAway[this.side]) return;
    if (!this.session.canOpen) {
      if (!this.book.goneAway[otherSide(this.side)]) this.#world.after(RETRY_MS, () => this.#openNext());
      return;
    }
    this.#opened += 1;
    this.#counts.streams += 1;
    const udp = this.#knobs.app.datagrams && this.#flows.length < 2 && this.#dice.chance(0.3);
    const kind = udp ? KIND.udp : KIND.tcp;
    const metadata = contentOf(0, this.#opened, this.#dice.chance(0.1) ? 4_094 : this.#dice.whole(0, 40));
    const stream = this.session.open(kind, metadata);
    const truth = this.book.opened(this.side, stream.id, kind, metadata);
    if (udp) this.#flows.push(stream);
    const mine = new AppStream(stream, truth, this.#plan(udp), this.#around);
    this.#streams.set(stream, mine);
    this.#around.touched();
    if (!udp) mine.begin();
    // Opened and broken off at once: away from a link it never existed.
    if (!udp && this.#dice.chance(0.02)) mine.hurry();
  }

  #accept(stream: SessionStream): void {
    const truth = this.book.streams.get(stream.id);
    const theirs = otherSide(this.side);
    if (truth === undefined || truth.opener !== theirs)
      return this.#fail("streams", `stream ${stream.id}, which nobody opened`);
    if (truth.deeds[this.side].known) this.#fail("streams", `stream ${stream.id} came twice`);
    truth.deeds[this.side].known = true;
    if (
      truth.ways[theirs].seen === "reset" &&
      truth.deeds[theirs].resetCode === undefined &&
      !this.book.broken
    )
      this.#fail("not processed", `stream ${stream.id} was reported as not processed`);
    const { metadata } = truth;
    if (stream.kind !== truth.kind || stream.metadata.length !== metadata.length)
      this.#fail("streams", `stream ${stream.id} is of another kind or has other metadata`);
    if (stream.metadata.some((byte, index) => byte !== metadata[index]))
      this.#fail("streams", `the metadata of stream ${stream.id} is wrong`);
    if (!stream.fromPeer) this.#fail("streams", `stream ${stream.id} is not ours`);
    const endsAfterPeer = this.#dice.chance(0.4);
    const plan = { ...this.#plan(stream.kind === KIND.udp), endsAfterPeer };
    const mine = new AppStream(stream, truth, plan, this.#around);
    this.#streams.set(stream, mine);
    mine.begin();
  }

  #forgotten(stream: SessionStream): void {
    this.#of(stream).forgotten();
    for (const open of this.session.streams())
      if (open === stream) this.#fail("table", `stream ${stream.id} is forgotten and still there`);
    this.#flows = this.#flows.filter((flow) => flow !== stream);
    if (!stream.fromPeer)
      this.#world.after(this.#knobs.app.thinkMs * this.#dice.random() + 1, () => this.#openNext());
  }

  #plan(udp: boolean): StreamPlan {
    const { app } = this.#knobs;
    const dice = this.#dice;
    const writeBytes = udp || dice.chance(0.1) ? 0 : Math.round(dice.magnitude(1, app.mostBytes));
    const reset = !udp && dice.chance(app.resets);
    const stop = !udp && dice.chance(app.stops);
    const leastAtOnce = Math.ceil(writeBytes / MOST_WRITES);
    return {
      endsAfterPeer: false,
      writeBytes,
      resetAt: reset ? dice.whole(0, writeBytes) : Infinity,
      stopAt: stop ? Math.round(dice.magnitude(1, app.mostBytes)) : Infinity,
      mostAtOnce: Math.max(leastAtOnce, Math.round(dice.magnitude(1, Math.max(2, app.mostBytes)))),
      thinkMs: dice.chance(0.5) ? app.thinkMs : 0,
      pauses: app.slowReaders && dice.chance(0.7) ? 0.4 : 0,
      pauseMs: dice.magnitude(1, 1_500),
    };
  }

  #sendDatagram(): void {
    if (!this.#opening || this.session.end !== undefined) return;
    this.#world.after(this.#dice.gap(300), () => this.#sendDatagram());
    const flows = [...this.#streams.keys()].filter(
      ({ kind, sent }) => kind === KIND.udp && sent === undefined,
    );
    const flow = flows[this.#dice.whole(0, flows.length)];
    if (flow === undefined) return;
    this.#datagramsMade += 1;
    const serial = this.#datagramsMade;
    const bytes = contentOf(this.#datagramBase(this.side, flow.id), serial, this.#dice.whole(8, 1_300));
    new DataView(bytes.buffer).setUint32(0, serial);
    const taken = this.session.sendDatagram(flow.id, bytes);
    if (taken && bytes.length > 1_200) this.#fail("datagrams", `one of ${bytes.length} bytes was taken`);
    if (taken && !this.session.attached) this.#fail("datagrams", "taken while away");
    if (taken) this.book.datagrams[this.side].add(`${flow.id} ${serial} ${bytes.length}`);
    this.#around.touched();
  }

  #datagram(flow: number, bytes: Uint8Array): void {
    const theirs = otherSide(this.side);
    const serial = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (!this.book.datagrams[theirs].delete(`${flow} ${serial} ${bytes.length}`))
      this.#fail("datagrams", `${flow} ${serial} ${bytes.length}: twice, or never sent`);
    if (firstWrongByte(this.#datagramBase(theirs, flow), serial + 4, bytes.subarray(4)) >= 0)
      this.#fail("datagrams", "wrong bytes");
    this.#counts.datagrams += 1;
  }

  #datagramBase(side: Side, flow: number): number {
    return contentBase(this.book.number + 1_000, flow, side === "client");
  }

  #authenticate(): void {
    if (!this.#opening || this.session.end !== undefined) return;
    this.book.authSerials.asked += 1;
    this.session.authenticate(new Uint8Array([this.book.authSerials.asked]));
    this.#around.touched();
    this.#world.after(this.#dice.gap(20_000), () => this.#authenticate());
  }

  #judge(serial: number, credentials: Uint8Array): void {
    const number = credentials[0] ?? 0;
    if (number > this.book.authSerials.asked) this.#fail("auth", "credentials that nobody sent");
    this.#credentials.set(serial, number);
    this.#world.after(this.#dice.between(0, 100), () => {
      if (this.session.end !== undefined) return;
      this.session.authState(serial, 60_000 + number, 0);
      this.#around.touched();
    });
  }

  #authState(serial: number): void {
    if (serial < 1 || serial > this.book.authSerials.asked)
      this.#fail("auth", `a verdict about AUTH ${serial}`);
    this.book.authSerials.answered = Math.max(this.book.authSerials.answered, serial);
  }

  #fail(invariant: string, message: string): never {
    return this.#world.fail(invariant, `${this.side}: ${message}`);
  }
}
