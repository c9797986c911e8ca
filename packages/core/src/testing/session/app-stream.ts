// What an application does with its end of one stream: writes what its plan says, reads as fast or as slowly as it
// pleases, ends, breaks off or asks to stop, and holds everything that it is told against the book. It acts on events
// alone, and on timers of its own: a wake-up that is forgotten leaves it hanging.
import type { SessionStream, StreamEnd } from "../../session/stream.ts";
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import { otherSide, type SessionBook, type Side, type StreamTruth, type WayTruth } from "./book.ts";
import { contentOf, firstWrongByte } from "./content.ts";

export interface StreamPlan {
  readonly writeBytes: number;
  /** Break off when so much has been written; `Infinity` for an orderly end. */
  readonly resetAt: number;
  /** Ask the other end to stop when so much has been read. */
  readonly stopAt: number;
  /** An answer: ends when the question has. */
  readonly endsAfterPeer: boolean;
  readonly mostAtOnce: number;
  readonly thinkMs: number;
  /** The chance to put the book down after a piece, and for how long. */
  readonly pauses: number;
  readonly pauseMs: number;
}

const SESSION_LOST = 8;
const NOT_PROCESSED = 2;
/** What memory that was given back is filled with. */
const REUSED = 0xee;
const RESET_CODES = 1_000;
const STOP_CODES = 2_000;

export interface StreamSurroundings {
  readonly world: World;
  readonly dice: Dice;
  readonly book: SessionBook;
  readonly side: Side;
  /** Something was done from outside of the session: it may have work now. */
  readonly touched: () => void;
  readonly counts: { bytesChecked: number; resets: number; stops: number; notProcessed: number };
  /** No bytes may be left over that nobody granted. */
  readonly mostBuffered: number;
}

export class AppStream {
  readonly stream: SessionStream;
  readonly truth: StreamTruth;
  #plan: StreamPlan;
  readonly #around: StreamSurroundings;
  readonly #out: WayTruth;
  readonly #in: WayTruth;
  #owedBytes = 0;
  #paused = false;
  #waiting = false;
  #sentChecked = false;

  constructor(stream: SessionStream, truth: StreamTruth, plan: StreamPlan, around: StreamSurroundings) {
    this.stream = stream;
    this.truth = truth;
    this.#plan = plan;
    this.#around = around;
    this.#out = truth.ways[around.side];
    this.#in = truth.ways[otherSide(around.side)];
  }

  /** Nothing is left to do here. */
  get done(): boolean {
    return this.truth.deeds[this.#around.side].forgotten;
  }

  begin(): void {
    this.#write();
    this.#read();
  }

  /** Write no more than what is written; end in order. */
  hurry(): void {
    this.#plan = {
      ...this.#plan,
      writeBytes: this.#out.writtenBytes,
      resetAt: Infinity,
      stopAt: Infinity,
      thinkMs: 0,
    };
    this.#waiting = false;
    this.#write();
  }

  writable(): void {
    this.#waiting = false;
    this.#write();
  }

  readable(): void {
    this.#read();
  }

  forgotten(): void {
    const deeds = this.truth.deeds[this.#around.side];
    if (deeds.forgotten) this.#fail("events", "forgotten twice");
    this.#checkSent();
    if (this.stream.sent === undefined || this.stream.received === undefined)
      this.#fail(
        "events",
        `forgotten before both directions ended: ${this.stream.sent?.type}, ${this.stream.received?.type}`,
      );
    if (this.stream.readableBytes > 0) this.#fail("events", "forgotten with bytes that nobody has read");
    deeds.forgotten = true;
    if (this.#in.seen === undefined) this.#tell();
  }

  #write(): void {
    const { world, dice } = this.#around;
    for (;;) {
      if (this.#checkSent() || this.#waiting) return;
      const left = Math.min(this.#plan.writeBytes, this.#plan.resetAt) - this.#out.writtenBytes;
      if (left <= 0) return this.#end();
      if (!this.stream.writable) {
        this.#waiting = true;
        return;
      }
      const bytes = contentOf(
        this.#out.base,
        this.#out.writtenBytes,
        dice.whole(1, Math.min(left, this.#plan.mostAtOnce)),
      );
      this.#out.writtenBytes += bytes.length;
      const more = this.stream.write(bytes, dice.chance(0.5) ? () => this.#released(bytes) : undefined);
      if (more !== this.stream.writable && this.stream.sent === undefined)
        this.#fail("queue", `write says ${more}, writable says ${this.stream.writable}`);
      // Set before the session is run: it may wake this writer at once.
      if (!more && this.stream.sent === undefined) this.#waiting = true;
      this.#around.touched();
      if (this.#waiting) return;
      if (this.#plan.thinkMs > 0) {
        this.#waiting = true;
        world.after(this.#plan.thinkMs * dice.random() * 2, () => this.writable());
        return;
      }
    }
  }

  /** The memory is ours again, and used at once for something else. */
  #released(bytes: Uint8Array): void {
    if (bytes.length > 0 && bytes.every((byte) => byte === REUSED)) {
      if (bytes.length > 8) this.#fail("memory", "given back twice");
    }
    bytes.fill(REUSED);
  }

  #end(): void {
    const deeds = this.truth.deeds[this.#around.side];
    if (this.stream.sent !== undefined) return;
    if (this.#plan.endsAfterPeer && this.#in.seen === undefined) return;
    if (this.#plan.resetAt <= this.#out.writtenBytes) {
      deeds.resetCode = RESET_CODES + this.truth.id;
      this.#around.counts.resets += 1;
      this.stream.reset(deeds.resetCode);
    } else {
      this.#out.ended = true;
      this.stream.end();
    }
    if (this.stream.sent === undefined) this.#fail("events", "`sent` is not set behind an end");
    this.#around.touched();
  }

  #read(): void {
    if (this.#paused || this.#in.seen !== undefined) return;
    const { stream } = this;
    const { world, dice } = this.#around;
    const buffered = stream.readableBytes + this.#owedBytes;
    if (buffered > this.#around.mostBuffered)
      this.#fail("window", `${buffered} bytes wait in a window of at most ${this.#around.mostBuffered}`);
    for (;;) {
      const piece = stream.read();
      if (piece === undefined) break;
      this.#check(piece);
      this.#owedBytes += piece.length;
      if (this.#in.readBytes >= this.#plan.stopAt) this.#stop();
      if (dice.chance(this.#plan.pauses)) {
        this.#paused = true;
        world.after(this.#plan.pauseMs * dice.random() * 2, () => this.#goOn());
        break;
      }
    }
    this.#consume();
    if (!this.#paused && stream.received !== undefined && stream.readableBytes === 0) this.#tell();
  }

  #goOn(): void {
    this.#paused = false;
    this.#read();
  }

  /** All of it, or a part now and the rest later. */
  #consume(): void {
    const { world, dice } = this.#around;
    if (this.#owedBytes === 0) return;
    const part = dice.chance(this.#plan.pauses) ? dice.whole(0, this.#owedBytes) : this.#owedBytes;
    this.#owedBytes -= part;
    this.stream.consumed(part);
    this.#around.touched();
    if (this.#owedBytes > 0 && !this.#paused) world.after(this.#plan.pauseMs, () => this.#consume());
  }

  #check(piece: Uint8Array): void {
    if (piece.length === 0) this.#fail("content", "an empty piece");
    const wrong = firstWrongByte(this.#in.base, this.#in.readBytes, piece);
    if (wrong >= 0) this.#fail("content", `byte ${this.#in.readBytes + wrong} is not what was written`);
    this.#in.readBytes += piece.length;
    this.#around.counts.bytesChecked += piece.length;
    if (this.#in.readBytes > this.#in.writtenBytes)
      this.#fail("content", `${this.#in.readBytes} bytes came, ${this.#in.writtenBytes} were written`);
  }

  #stop(): void {
    const deeds = this.truth.deeds[this.#around.side];
    this.#plan = { ...this.#plan, stopAt: Infinity };
    if (this.stream.received !== undefined) return;
    deeds.stopCode = STOP_CODES + this.truth.id;
    this.#around.counts.stops += 1;
    this.stream.stop(deeds.stopCode);
    this.#around.touched();
  }

  /** How the receiving side ended, once everything before the end is read. */
  #tell(): void {
    const end = this.stream.received;
    if (end === undefined || this.#in.seen !== undefined) return;
    this.#in.seen = end.type;
    this.#checkEnd(end);
    if (this.#plan.endsAfterPeer && !this.#waiting) this.#write();
  }

  #checkEnd(end: StreamEnd): void {
    if (end.type === "finished") {
      if (!this.#in.ended) this.#fail("ends", "a FIN that nobody sent");
      if (this.#in.readBytes !== this.#in.writtenBytes)
        this.#fail(
          "ends",
          `a FIN after ${this.#in.readBytes} of ${this.#in.writtenBytes} bytes, ${this.stream.bytesIn} in`,
        );
      return;
    }
    const { book, side } = this.#around;
    const own = this.truth.deeds[side];
    const theirs = this.truth.deeds[otherSide(side)];
    this.#checkReset("received", end.code, [own.resetCode, own.stopCode, theirs.resetCode], book);
  }

  /** How the sending side ended, if by itself. */
  #checkSent(): boolean {
    const end = this.stream.sent;
    if (end === undefined) return false;
    if (this.#sentChecked) return true;
    this.#sentChecked = true;
    if (end.type === "finished") {
      if (!this.#out.ended) this.#fail("ends", "the session ended what nobody ended");
      return true;
    }
    const { book, side } = this.#around;
    const own = this.truth.deeds[side];
    const theirs = this.truth.deeds[otherSide(side)];
    this.#checkReset("sent", end.code, [own.resetCode, theirs.resetCode, theirs.stopCode], book);
    return true;
  }

  #checkReset(what: string, code: number, asked: readonly (number | undefined)[], book: SessionBook): void {
    if (asked.includes(code)) return;
    const { side } = this.#around;
    if (code === SESSION_LOST && book.broken) return;
    if (code === NOT_PROCESSED && this.truth.opener === side) {
      this.#around.counts.notProcessed += 1;
      if (this.truth.deeds[otherSide(side)].known)
        this.#fail("not processed", "but the other application saw it");
      return;
    }
    if (book.broken && book.sessions[side]?.end !== undefined) return;
    this.#fail("resets", `${what}: reset with ${code}, and nobody asked for it`);
  }

  #fail(invariant: string, message: string): never {
    const { world, side } = this.#around;
    return world.fail(invariant, `stream ${this.truth.id}, ${side}: ${message}`);
  }
}
