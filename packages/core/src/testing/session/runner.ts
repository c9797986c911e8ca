// Runs one session at one end: gives it the bytes of its link, takes what it wants to send, arms its deadline, passes
// its events on. It does what a driver may do and no more, and it is not kind: bytes of links that the session has
// let go still come while it is away, and it is pumped from outside only when it said that there is work.
import type { SessionEnd, SessionEvent } from "../../session/events.ts";
import type { Session } from "../../session/session.ts";
import type { Appointment } from "../agenda.ts";
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import type { SessionBook, Side } from "./book.ts";
import type { LinkEnd } from "./byte-link.ts";
import type { SessionKnobs } from "./knobs.ts";

export interface RunnerOwner {
  readonly world: World;
  readonly knobs: SessionKnobs;
  readonly side: Side;
  /** The session wants its link hung up, or has no more use for it. */
  linkFailed(runner: Runner, code: string): void;
  ended(runner: Runner, end: SessionEnd): void;
  /** An event that is not about the link. */
  heard(runner: Runner, event: SessionEvent): void;
}

/** What may be on its way beyond the limit: control frames, and the frame that reached it. */
const HEAD_ROOM = 65_536;
const ROUNDING_MS = 1e-6;

export class Runner {
  readonly session: Session;
  book: SessionBook | undefined = undefined;
  link: LinkEnd | undefined = undefined;
  heardAt = 0;
  /** Set by the session's `onWork`. */
  dirty = true;
  end: SessionEnd | undefined = undefined;
  readonly #owner: RunnerOwner;
  readonly #dice: Dice;
  #settling = false;
  #timer: Appointment | undefined = undefined;
  #beat: Appointment | undefined = undefined;
  #unackedWhenAway = 0;
  #fresh = false;
  #attachedAt = 0;

  constructor(owner: RunnerOwner, dice: Dice, session: Session) {
    this.#owner = owner;
    this.#dice = dice;
    this.session = session;
  }

  /** The handshake is done: the link is this session's. */
  attach(link: LinkEnd, rest: Uint8Array): void {
    if (!this.session.attached)
      this.#fail(
        "attached",
        `the handshake is over and the session is away, ${this.session.end?.reason} ${this.session.end?.error?.message}`,
      );
    this.link = link;
    this.#fresh = true;
    this.heardAt = this.#now;
    this.#attachedAt = this.#now;
    link.onBytes = (piece) => this.bytes(link, piece);
    link.onTaken = () => this.#taken(link);
    this.session.linkQueued(link.queuedBytes, this.#now);
    if (rest.length > 0) this.session.receive(rest, this.#now);
    this.settle();
    this.#schedulePing();
  }

  /** The link is gone or given up. `displaced`: a handshake has detached it, and may have attached another already. */
  letGo(displaced = false): void {
    const { link } = this;
    if (link === undefined) return;
    this.link = undefined;
    if (this.#beat !== undefined) this.#beat.cancelled = true;
    if (this.session.attached && !displaced) this.session.detach(this.#now);
    this.#unackedWhenAway = this.session.figures.unackedBytes;
    link.onTaken = () => undefined;
    link.hangUp();
    if (!displaced) this.settle();
  }

  bytes(link: LinkEnd, piece: Uint8Array): void {
    // What an old link still brings is dropped by the session while it is away, and by its driver from then on.
    if (link !== this.link && this.session.attached) return;
    if (link === this.link) this.heardAt = this.#now;
    this.session.receive(piece, this.#now);
    this.settle();
  }

  /** Something was asked of the session from outside. */
  touched(): void {
    this.#checkAway();
    if (this.dirty) this.settle();
  }

  ping(): void {
    this.session.ping(this.#now);
    this.touched();
  }

  settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    try {
      do {
        this.dirty = false;
        for (let event = this.session.pollEvent(); event !== undefined; event = this.session.pollEvent())
          this.#heard(event);
        this.#pump();
      } while (this.dirty);
    } finally {
      this.#settling = false;
    }
    this.#checkAway();
    this.#arm();
  }

  get #now(): number {
    return this.#owner.world.now;
  }

  #pump(): void {
    const { link, session } = this;
    if (link === undefined) {
      if (!session.attached && session.pollTransmit(1_000_000, this.#now) !== undefined)
        this.#fail("away", "there is something to send without a link");
      return;
    }
    const most = this.#owner.knobs.roomBytes[this.#owner.side];
    let sent = 0;
    for (;;) {
      const room = most - link.queuedBytes;
      const { inFlightLimit } = session.figures;
      const before = this.book?.[this.#owner.side].cursor;
      const piece = session.pollTransmit(room, this.#now);
      if (piece === undefined) break;
      if (piece.length === 0) this.#fail("transmit", "an empty piece");
      if (room <= 0 && !this.#fresh && session.end === undefined)
        this.#fail("room", `${piece.length} bytes although there is no room`);
      link.write(piece);
      sent += piece.length;
      this.#checkInFlight(inFlightLimit, before);
    }
    if (most > link.queuedBytes) this.#fresh = false;
    if (sent > 0) session.linkQueued(link.queuedBytes, this.#now);
    // It has said its last word: hang up when that has left.
    if (this.end !== undefined && link === this.link && link.queuedBytes === 0)
      this.#owner.linkFailed(this, "ended");
  }

  /** What was handed over under a limit that has fallen since is no fault: only what is added to it. */
  #checkInFlight(limit: number, before: number | undefined): void {
    const sequence = this.book?.[this.#owner.side];
    if (sequence === undefined || sequence.cursor === before) return;
    const inFlight = sequence.cursor - this.session.position.txLow;
    const { replayBytes } = this.#owner.knobs.limits[this.#owner.side];
    if (inFlight > Math.min(limit, replayBytes) + 3 * HEAD_ROOM)
      this.#fail("in flight", `${inFlight} bytes, ${limit} allowed`);
  }

  #taken(link: LinkEnd): void {
    if (link !== this.link || this.#settling) return;
    this.session.linkQueued(link.queuedBytes, this.#now);
    this.settle();
  }

  #heard(event: SessionEvent): void {
    if (event.type === "ended") {
      if (this.end !== undefined) this.#fail("events", "ended twice");
      this.end = event.end;
      this.#owner.heard(this, event);
      return this.#owner.ended(this, event.end);
    }
    if (event.type === "link_failed") return this.#linkFailed(event.failure.code);
    if (event.type === "pong") return this.#checkRoundTrip(event.rttMs);
    this.#owner.heard(this, event);
  }

  #checkRoundTrip(rttMs: number): void {
    const leastMs = (this.link?.link.leastRoundTripMs ?? 0) - ROUNDING_MS;
    if (!(rttMs >= leastMs && rttMs <= this.#now - this.#attachedAt + ROUNDING_MS))
      this.#fail("ping", `a round trip of ${rttMs} ms over a path of ${leastMs} ms`);
  }

  #linkFailed(code: string): void {
    const { link } = this;
    if (link === undefined) return;
    if (code !== "no_progress") this.#fail("link failed", `${code} on link ${link.link.id}`);
    if (!link.link.faulty) this.#fail("no progress", `a healthy link (${link.link.id}) was given up`);
    this.#owner.linkFailed(this, code);
  }

  /** Nothing may be made while there is nowhere to send it. */
  #checkAway(): void {
    if (this.session.attached || this.link !== undefined) return;
    const { unackedBytes } = this.session.figures;
    if (unackedBytes > this.#unackedWhenAway && this.session.end === undefined)
      this.#fail("away", `${unackedBytes - this.#unackedWhenAway} bytes were made without a link`);
  }

  #arm(): void {
    const at = this.session.nextTimeout();
    if (Number.isNaN(at)) this.#fail("timeout", "at no time");
    if (this.#timer !== undefined && !this.#timer.cancelled && this.#timer.at === at) return;
    if (this.#timer !== undefined) this.#timer.cancelled = true;
    this.#timer = undefined;
    if (at === Infinity) return;
    const late = this.#dice.chance(0.1) ? this.#dice.between(0, 5) : 0;
    this.#timer = this.#owner.world.at(at + late, () => {
      this.#timer = undefined;
      this.session.timeout(this.#now);
      this.settle();
    });
  }

  #schedulePing(): void {
    const { world, knobs } = this.#owner;
    if (this.#beat !== undefined) this.#beat.cancelled = true;
    this.#beat = world.after(knobs.heartbeatMs, () => {
      if (this.link === undefined) return;
      if (this.session.end === undefined) this.ping();
      this.#schedulePing();
    });
  }

  #fail(invariant: string, message: string): never {
    return this.#owner.world.fail(invariant, `${this.#owner.side}: ${message}`);
  }
}
