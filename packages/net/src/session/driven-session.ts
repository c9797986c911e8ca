// One session at work: bytes of its present link go in, what it wants to say goes out, and what it has to tell is told.
// Everything happens in turns: events first, then whatever they led to is sent, under one cork. A turn follows each
// arrival at once; what the application asks for from outside of a turn is done when its present call is over.
import { HoldfastError, MAX_TIMER_MS, type Clock, type Instant, type Timer } from "@holdfast/core";
import {
  CLOSE,
  createSession,
  RESET,
  type Session,
  type SessionEnd,
  type SessionEvent,
  type SessionFigures,
  type SessionOptions,
  type SessionStream,
} from "@holdfast/core/session";
import type { ByteLink } from "../byte-link.ts";
import { Audience } from "./audience.ts";
import { later } from "./later.ts";
import type { SessionHandle, SessionListener, StreamListener } from "./surface.ts";

/** What a link may have waiting in this process, in bytes. Above it, a write would only stand in line. */
const LINK_ROOM = 512 * 1_024;

/** A timer that fires this late may be ahead of bytes that already wait in the socket: let those in first. */
const LATE_MS = 50;

/** Whoever made the session, and has the links. */
export interface SessionOwner {
  /** The present link is broken: hang it up. */
  linkFailed(failure: HoldfastError): void;
  /** The peer lets the present link go. */
  linkReleased(reconnectWindowMs: number): void;
  /** A turn is over. */
  turned(now: Instant): void;
  /** The session is over, and everything that it had to say is on the link. Called once. */
  ended(end: SessionEnd): void;
  /** A listener threw. */
  warn(warning: HoldfastError): void;
}

export type DrivenSessionOptions = Omit<SessionOptions, "onWork"> & {
  readonly clock: Clock;
  readonly listener: SessionListener;
};

export class DrivenSession implements SessionHandle {
  id = "";
  readonly session: Session;
  readonly ended: Promise<SessionEnd>;
  /** Whether `drain` or `close` was asked for on this side. */
  closing = false;
  protected readonly clock: Clock;
  readonly #owner: SessionOwner;
  readonly #listener: SessionListener;
  readonly #audience: Audience;
  readonly #timer: Timer;
  #settle: (end: SessionEnd) => void = () => undefined;
  #link: ByteLink | undefined = undefined;
  /** Bytes that were handed to links, in all, and how many of them wait in this process. */
  #handedOver = 0;
  #queued = 0;
  #armedFor: Instant | undefined = undefined;
  #turning = false;
  #scheduled = false;
  #over = false;

  constructor(options: DrivenSessionOptions, owner: SessionOwner) {
    const { clock, listener, ...rest } = options;
    this.clock = clock;
    this.#owner = owner;
    this.#listener = listener;
    this.#audience = new Audience((thrown) => this.#warn(thrown));
    this.#timer = clock.timer(() => this.#fired());
    this.session = createSession({ ...rest, onWork: () => this.#schedule() });
    this.ended = new Promise((resolve) => (this.#settle = resolve));
  }

  get attached(): boolean {
    return this.session.attached;
  }

  get figures(): SessionFigures {
    return this.session.figures;
  }

  get end(): SessionEnd | undefined {
    return this.session.end;
  }

  get holdsBytes(): boolean {
    return this.#audience.keeps;
  }

  streams(): Iterable<SessionStream> {
    return this.session.streams();
  }

  open(kind: number, metadata: Uint8Array, listener?: StreamListener): SessionStream {
    const stream = this.session.open(kind, metadata);
    if (listener !== undefined) this.#audience.listen(stream, listener);
    return stream;
  }

  listen(stream: SessionStream, listener: StreamListener): void {
    this.#audience.listen(stream, listener);
  }

  sendDatagram(flow: number, bytes: Uint8Array): boolean {
    return this.session.sendDatagram(flow, bytes);
  }

  authenticate(credentials: Uint8Array): void {
    this.session.authenticate(credentials);
  }

  authState(serial: number, expiresMs: number, code: number): void {
    this.session.authState(serial, expiresMs, code);
  }

  goAway(code: number, drainMs: number): void {
    this.session.goAway(code, drainMs);
  }

  drain(timeoutMs = 30_000): Promise<SessionEnd> {
    this.closing = true;
    this.session.drain(timeoutMs, this.clock.mono());
    this.#schedule();
    return this.ended;
  }

  close(code: number = CLOSE.done, reason = ""): Promise<SessionEnd> {
    this.closing = true;
    this.session.close(code, reason, this.clock.mono());
    this.#schedule();
    return this.ended;
  }

  // What follows is the owner's.

  /** The handshake on this link is done, and `rest` came behind it. */
  attach(link: ByteLink, rest: Uint8Array): void {
    this.#link = link;
    this.#queued = 0;
    link.onTaken(() => {
      if (this.#link === link) this.#schedule();
    });
    if (rest.length > 0) this.receive(rest);
    else this.turn();
  }

  /** Nothing more is read from or written to the present link. */
  leaveLink(): void {
    this.session.detach(this.clock.mono());
    this.unlink();
  }

  /** As `leaveLink`, where a handshake has let the link go already: the session may have the next one. */
  unlink(): void {
    this.#link = undefined;
    this.#schedule();
  }

  /** Bytes of the present link. @returns whether nobody needs their memory any more. */
  receive(bytes: Uint8Array): boolean {
    const now = this.clock.mono();
    this.#turning = true;
    this.session.receive(bytes, now);
    this.#turn(now);
    return !this.#audience.keeps;
  }

  /** It cannot go on. */
  lose(end: SessionEnd): void {
    this.session.lose(end, this.clock.mono());
    this.#schedule();
  }

  ping(): void {
    this.session.ping(this.clock.mono());
    this.#schedule();
  }

  get unackedBytes(): number {
    return this.session.unackedBytes;
  }

  /**
   * Grows with every acknowledgement, with what the system takes of the link's bytes, and with what arrives: the line
   * must not be stricter than the session, which judges by the finer rule.
   */
  get movedBytes(): number {
    const { rx, txLow } = this.session.position;
    return txLow + (this.#handedOver - this.#queued) + rx;
  }

  /** Tell what there is to tell, send what there is to send; within a turn, that happens anyway. */
  turn(): void {
    if (!this.#turning) this.#turn(this.clock.mono());
  }

  #turn(now: Instant): void {
    this.#turning = true;
    this.#noteQueued(now);
    this.#audience.begin();
    let event = this.session.pollEvent();
    do {
      for (; event !== undefined; event = this.session.pollEvent()) this.#tell(event);
      this.#audience.settle();
      this.#pump(now);
      event = this.session.pollEvent();
    } while (event !== undefined);
    this.#turning = false;
    this.#finish();
    this.#arm(now);
    this.#owner.turned(now);
  }

  #schedule(): void {
    if (this.#turning || this.#scheduled) return;
    this.#scheduled = true;
    later(this.#scheduledTurn);
  }

  readonly #scheduledTurn = (): void => {
    this.#scheduled = false;
    this.turn();
  };

  #tell(event: SessionEvent): void {
    switch (event.type) {
      case "opened":
        return this.#opened(event.stream);
      case "readable":
      case "writable":
      case "forgotten":
        return this.#audience.tell(event.type, event.stream);
      case "pong":
        return;
      case "link_failed":
        return this.#owner.linkFailed(event.failure);
      case "ended":
        return this.#settle(event.end);
      case "datagram":
        return this.#call(() => this.#listener.onDatagram?.(event.flow, event.bytes, this));
      case "detached":
        this.#owner.linkReleased(event.reconnectWindowMs);
        return this.#call(() => this.#listener.onEvent?.(event, this));
      default:
        return this.#call(() => this.#listener.onEvent?.(event, this));
    }
  }

  #opened(stream: SessionStream): void {
    if (this.#listener.onStream === undefined) stream.reset(RESET.notProcessed);
    else this.#call(() => this.#listener.onStream?.(stream, this));
  }

  #call(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      this.#warn(thrown);
    }
  }

  #warn(cause: unknown): void {
    const message = "a listener of a session threw";
    this.#owner.warn(new HoldfastError({ code: "listener_failed", message, fault: "local", cause }));
  }

  #pump(now: Instant): void {
    const link = this.#link;
    if (link === undefined) return;
    let room = LINK_ROOM - link.queuedBytes;
    let piece = this.session.pollTransmit(room, now);
    if (piece === undefined) return;
    link.cork();
    for (; piece !== undefined; piece = this.session.pollTransmit(room, now)) {
      room -= piece.length;
      this.#handedOver += piece.length;
      link.write(piece);
    }
    link.uncork();
    this.#noteQueued(now);
  }

  #noteQueued(now: Instant): void {
    const queued = this.#link?.queuedBytes ?? 0;
    if (queued === this.#queued) return;
    this.#queued = queued;
    this.session.linkQueued(queued, now);
  }

  /** Over, and no room was wanting when the last words were handed over. */
  #finish(): void {
    const { end } = this.session;
    if (this.#over || end === undefined) return;
    if (this.#link !== undefined && this.#queued >= LINK_ROOM) return;
    this.#over = true;
    this.#owner.ended(end);
  }

  #arm(now: Instant): void {
    const at = this.nextTimeout();
    // To look too early now and then costs less than to move the timer with every arrival.
    if (at !== Infinity && this.#armedFor !== undefined && this.#armedFor <= at) return;
    this.#armedFor = at === Infinity ? undefined : at;
    if (at === Infinity) this.#timer.clear();
    else this.#timer.set(Math.min(Math.max(0, Math.ceil(at - now)), MAX_TIMER_MS));
  }

  /** When something is due, whatever the reason. */
  protected nextTimeout(): Instant {
    return this.session.nextTimeout();
  }

  /** The time has come, or has not: both are in order. */
  protected timeout(now: Instant): void {
    this.session.timeout(now);
  }

  #fired(): void {
    const now = this.clock.mono();
    const late =
      this.#armedFor !== undefined && now - this.#armedFor > LATE_MS && this.#armedFor !== -Infinity;
    // Once, however much comes meanwhile: nothing is due before -Infinity.
    this.#armedFor = late ? -Infinity : undefined;
    if (late) return this.#timer.set(0);
    this.#turning = true;
    this.timeout(now);
    this.#turn(now);
  }
}
