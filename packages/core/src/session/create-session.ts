// The session itself: it ties the parts together, and knows whether a link is there and whether all is over.
import type { HoldfastError } from "../failure.ts";
import type { Instant } from "../ports.ts";
import { Acks } from "./acks.ts";
import { Budget } from "./budget.ts";
import { CLOSE, FEATURE, KIND, RESET } from "./codes.ts";
import { Drain } from "./drain.ts";
import { allArrived, endByPeer } from "./endings.ts";
import { EventQueue } from "./event-queue.ts";
import type { SessionEnd, SessionEvent } from "./events.ts";
import {
  goingAway,
  noProgress,
  notOurPeer,
  outOfStep,
  protocolError,
  sessionEnded,
  tooLong,
  tooManyStreams,
  unconfirmed,
} from "./faults.ts";
import { InFlight } from "./in-flight.ts";
import type { PeerLimits, SessionLimits } from "./limits.ts";
import { LinkInput } from "./link-input.ts";
import { encodeClose, LinkOutput } from "./link-output.ts";
import { NoProgress } from "./no-progress.ts";
import { Pings } from "./pings.ts";
import { Pool } from "./pool.ts";
import { encodeReason } from "./reason-text.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";
import { SequencedInput } from "./sequenced-input.ts";
import type { Session, SessionFigures, SessionOptions, SessionPosition } from "./session.ts";
import { Streams } from "./streams.ts";
import { Transmitter } from "./transmitter.ts";
import type { SessionStream } from "./stream.ts";
import {
  MOST_CREDENTIALS_BYTES,
  MOST_DATAGRAM_BYTES,
  MOST_METADATA_BYTES,
  MOST_REASON_BYTES,
} from "./wire/frame-sizes.ts";

const PROCESS_POOL_BYTES = 268_435_456;
const MOST_UINT32 = 0xff_ff_ff_ff;

/** Make one end of a session. It is away until `begin`. */
export function createSession(options: SessionOptions): Session {
  return new SessionCore(options);
}

class SessionCore implements Session {
  readonly role: "client" | "server";
  readonly limits: SessionLimits;
  peer: PeerLimits | undefined = undefined;
  attached = false;
  end: SessionEnd | undefined = undefined;

  readonly #onWork: (() => void) | undefined;
  /** Time as it was last told. */
  #now: Instant = 0;
  /** Within a call that tells the time: whoever made it will look for work anyway. */
  #inside = false;
  #features = 0;
  #begun = false;

  readonly #events: EventQueue;
  readonly #streams: Streams;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #budget: Budget;
  readonly #inFlight: InFlight = new InFlight();
  readonly #acks: Acks;
  readonly #pings: Pings = new Pings();
  readonly #output: LinkOutput;
  readonly #noProgress: NoProgress;
  readonly #transmitter: Transmitter;

  #goingAway = false;
  #drain: Drain | undefined;
  #authSerial = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #replayedBytes = 0;
  #resumes = 0;
  #datagramsDropped = 0;

  constructor(options: SessionOptions) {
    const { role, limits } = options;
    this.role = role;
    this.limits = limits;
    this.#onWork = options.onWork;
    this.#events = new EventQueue(limits.datagramBytes);
    this.#budget = new Budget(options.replayPool ?? new Pool(PROCESS_POOL_BYTES));
    this.#acks = new Acks(limits.ackDelayMs);
    this.#output = new LinkOutput(this.#acks, this.#pings, limits.datagramBytes);
    this.#noProgress = new NoProgress(limits.noProgressMs);
    this.#streams = new Streams({
      role,
      limits,
      budget: this.#budget,
      events: this.#events,
      growthPool: options.growthPool ?? new Pool(PROCESS_POOL_BYTES),
      now: () => this.#now,
      work: () => this.#work(),
    });
    this.#sender = new Sender({
      limits,
      budget: this.#budget,
      inFlight: this.#inFlight,
      table: this.#streams.table,
      settle: (stream) => this.#streams.settle(stream),
    });
    this.#streams.sender = this.#sender;
    this.#receiver = this.#makeReceiver();
    this.#transmitter = new Transmitter({
      sender: this.#sender,
      output: this.#output,
      inFlight: this.#inFlight,
      noProgress: this.#noProgress,
      rx: () => this.#receiver.rx,
    });
  }

  get position(): SessionPosition {
    return { rx: this.#receiver.rx, txLow: this.#sender.log.acked };
  }

  get unackedBytes(): number {
    return this.#sender.log.unacked;
  }

  get figures(): SessionFigures {
    return {
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      unackedBytes: this.unackedBytes,
      replayedBytes: this.#replayedBytes,
      resumes: this.#resumes,
      openStreams: this.#streams.table.size,
      datagramsDropped: this.#datagramsDropped,
      rttMs: this.#inFlight.leastMs,
      inFlightLimit: Math.min(Math.floor(this.#inFlight.limit), this.limits.replayBytes),
    };
  }

  streams(): Iterable<SessionStream> {
    return this.#streams.table;
  }

  begin(peer: PeerLimits, features: number, now: Instant): void {
    if (this.end !== undefined) return;
    if (this.#begun) {
      // The first answer was lost, and the first handshake is repeated, before anything was said.
      this.resume({ rx: 0, txLow: 0 }, now);
      return;
    }
    this.#begun = true;
    this.peer = peer;
    this.#features = features;
    this.#sender.maxFrameBytes = peer.maxFrameBytes;
    this.#acks.pace(peer.replayBytes, this.limits.ackBytes);
    this.#streams.begin(peer);
    this.#attach(now);
  }

  detach(now: Instant): void {
    this.#now = now;
    this.#transmitter.forgetLink();
    if (!this.attached) return;
    this.attached = false;
    this.#receiver.detach();
    this.#output.forgetLink();
    this.#pings.forget();
    this.#noProgress.restart(now);
    this.#advance();
  }

  resume(peer: SessionPosition, now: Instant): boolean {
    if (this.end !== undefined) return false;
    this.detach(now);
    const { log } = this.#sender;
    if (!isPosition(peer.rx) || peer.rx < log.acked || peer.rx > log.sent) {
      this.#desync(`it has ${peer.rx}, of ${log.acked} to ${log.sent}`);
      return false;
    }
    if (!isPosition(peer.txLow) || peer.txLow > this.#receiver.rx) {
      this.#desync(`it keeps what follows ${peer.txLow}, and ${this.#receiver.rx} is here`);
      return false;
    }
    this.#budget.release(peer.rx - log.acked);
    log.trim(peer.rx);
    this.#replayedBytes += Math.max(0, log.cursor - peer.rx);
    log.seek(peer.rx);
    this.#resumes += 1;
    this.#acks.told(this.#receiver.rx);
    this.#drain?.resumed(now);
    this.#attach(now);
    return true;
  }

  receive(bytes: Uint8Array, now: Instant): void {
    this.#now = now;
    if (!this.attached) return;
    this.#inside = true;
    this.#receivedBytes += bytes.length;
    const before = this.#receiver.rx;
    this.#receiver.receive(bytes);
    if (this.#receiver.rx !== before) {
      this.#noProgress.arrived(now);
      this.#acks.received(this.#receiver.rx, now);
    }
    this.#advance();
    this.#inside = false;
  }

  pollTransmit(room: number, now: Instant): Uint8Array | undefined {
    this.#now = now;
    this.#inside = true;
    const piece = this.attached ? this.#transmitter.next(room, now) : this.#transmitter.nextLast();
    this.#inside = false;
    if (piece !== undefined) this.#sentBytes += piece.length;
    return piece;
  }

  linkQueued(bytes: number, now: Instant): void {
    this.#now = now;
    if (this.attached) this.#noProgress.queued(bytes, now);
  }

  pollEvent(): SessionEvent | undefined {
    return this.#events.poll();
  }

  nextTimeout(): Instant {
    if (this.end !== undefined) return Infinity;
    const drainAt = this.#drain?.deadline ?? Infinity;
    const linkAt = this.attached ? Math.min(this.#acks.dueAt, this.#noProgress.checkAt) : Infinity;
    return Math.min(drainAt, linkAt, this.#streams.relaxAt);
  }

  timeout(now: Instant): void {
    this.#now = now;
    if (this.end !== undefined) return;
    this.#inside = true;
    this.#streams.relax(now);
    if (this.attached) {
      this.#acks.timeout(now);
      const peerReplayBytes = this.peer?.replayBytes ?? 0;
      if (this.#noProgress.stuck(this.#receiver.rx, peerReplayBytes, now)) {
        this.#failLink(noProgress(this.#sender.log.inFlight, this.#noProgress.patienceMs));
      }
    }
    this.#advance();
    this.#inside = false;
  }

  get canOpen(): boolean {
    return this.#refusal === undefined;
  }

  open(kind: number, metadata: Uint8Array): SessionStream {
    const refusal = this.#refusal;
    if (refusal !== undefined) throw refusal();
    if (metadata.length > MOST_METADATA_BYTES) {
      throw tooLong("metadata", metadata.length, MOST_METADATA_BYTES);
    }
    const stream = this.#streams.open(kind, metadata, this.peer);
    this.#work();
    return stream;
  }

  sendDatagram(flow: number, bytes: Uint8Array): boolean {
    const stream = this.#streams.table.get(flow);
    const taken =
      this.attached &&
      (this.#features & FEATURE.datagrams) !== 0 &&
      bytes.length <= MOST_DATAGRAM_BYTES &&
      stream?.kind === KIND.udp &&
      stream.sent === undefined &&
      this.#output.queueDatagram(stream, bytes);
    if (taken) this.#work();
    else this.#datagramsDropped += 1;
    return taken;
  }

  ping(now: Instant): void {
    this.#now = now;
    if (!this.attached) return;
    this.#output.pingDue = true;
    this.#work();
  }

  authenticate(credentials: Uint8Array): void {
    if (credentials.length > MOST_CREDENTIALS_BYTES) {
      throw tooLong("credentials", credentials.length, MOST_CREDENTIALS_BYTES);
    }
    this.#authSerial += 1;
    this.#output.auth = { serial: this.#authSerial, credentials };
    this.#output.authDue = true;
    this.#work();
  }

  authState(serial: number, expiresMs: number, code: number): void {
    this.#output.authStateDue = { serial, expiresMs: clampUint32(expiresMs), code };
    this.#work();
  }

  goAway(code: number, drainMs: number): void {
    if (this.#goingAway || this.end !== undefined) return;
    this.#goingAway = true;
    this.#sender.goAwayDue = { code, drainMs: clampUint32(drainMs) };
    this.#work();
  }

  sendDetach(code: number, reconnectWindowMs: number): void {
    if (!this.attached) return;
    this.#output.detachDue = { code, reconnectWindowMs: clampUint32(reconnectWindowMs) };
    this.#work();
  }

  drain(timeoutMs: number, now: Instant): void {
    this.#now = now;
    if (this.end !== undefined) return;
    this.goAway(CLOSE.draining, timeoutMs);
    if (this.#drain === undefined) this.#drain = new Drain(now + timeoutMs);
    else this.#drain.hasten(now + timeoutMs);
    this.#advance();
    this.#work();
  }

  close(code: number, reason: string, now: Instant): void {
    this.#now = now;
    const clean = allArrived(this.#sender.log, this.#streams.table) && !this.#streams.someOpen;
    this.#finish({ reason: "closed", code, clean, error: undefined }, reason);
  }

  lose(end: SessionEnd, now: Instant): void {
    this.#now = now;
    // Whoever forgot the session while CLOSE was on its way has heard it.
    const delivered =
      this.#drain?.closing === true && end.reason === "session_lost" && end.code === CLOSE.expired;
    this.#finish(delivered ? { reason: "closed", code: CLOSE.done, clean: true, error: undefined } : end);
  }

  #makeReceiver(): Receiver {
    const { table } = this.#streams;
    const sequenced = new SequencedInput({
      limits: this.limits,
      table,
      accept: (id, kind, metadata) => this.#streams.accept(id, kind, metadata, this.peer),
      settle: (stream) => this.#streams.settle(stream),
      queueData: (stream) => this.#sender.queueData(stream),
      goingAway: (last, code, drainMs) => this.#hearGoAway(last, code, drainMs),
    });
    const link = new LinkInput({
      events: this.#events,
      output: this.#output,
      pings: this.#pings,
      now: () => this.#now,
      acknowledged: (position) => this.#acknowledged(position),
      roundTrip: (ms) => this.#inFlight.roundTrip(ms, this.#now, true),
      datagram: (flow, bytes, from, to) => this.#hearDatagram(flow, bytes, from, to),
      closed: (code, reason) => this.#hearClose(code, reason),
    });
    const handler = {
      sequenced,
      link,
      brokenSession: (what: string) => this.#break(protocolError(what), CLOSE.protocol),
      brokenLink: (what: string) => this.#failLink(notOurPeer(what)),
      oversized: () => void (this.#datagramsDropped += 1),
    };
    return new Receiver(handler, this.limits.maxFrameBytes);
  }

  #attach(now: Instant): void {
    this.#now = now;
    this.attached = true;
    const { log } = this.#sender;
    this.#receiver.attach();
    this.#inFlight.restart(log.cursor, now);
    this.#noProgress.restart(now);
    // An exact round trip, to begin with.
    this.#output.pingDue = true;
    this.#advance();
  }

  /** @returns `false` if that cannot be: the session is over. */
  #acknowledged(position: number): boolean {
    const { log } = this.#sender;
    if (position < log.acked || position > log.cursor) {
      this.#desync(`it has ${position}, of ${log.acked} to ${log.cursor}`);
      return false;
    }
    if (position === log.acked) return true;
    this.#budget.release(position - log.acked);
    log.trim(position);
    this.#inFlight.acknowledged(position, log.cursor, this.#now);
    if (this.#inFlight.wantsPing) this.#output.pingDue = true;
    this.#noProgress.acknowledged(log.cursor > position, this.#now);
    return true;
  }

  #hearGoAway(last: number, code: number, drainMs: number): void {
    const first = !this.#streams.refused;
    this.#streams.dropAbove(last);
    if (first) this.#events.ofSession({ type: "going_away", code, drainMs });
  }

  #hearDatagram(flow: number, bytes: Uint8Array, from: number, to: number): void {
    const stream = this.#streams.table.get(flow);
    const wanted = stream?.kind === KIND.udp && !stream.receiving.muted && !stream.receiving.ended;
    if (!wanted || !this.#events.datagram(flow, bytes, from, to)) this.#datagramsDropped += 1;
  }

  #hearClose(code: number, reason: string): void {
    const clean = allArrived(this.#sender.log, this.#streams.table);
    if (this.#drain?.closing === true) {
      this.#finish({ reason: "closed", code: CLOSE.done, clean, error: undefined });
    } else {
      this.#finish(endByPeer(code, reason, clean), "");
    }
  }

  #desync(what: string): void {
    this.#break(outOfStep(what), CLOSE.desync);
  }

  #break(error: HoldfastError, code: number): void {
    this.#finish({ reason: "session_lost", code, clean: false, error }, error.text);
  }

  #failLink(failure: HoldfastError): void {
    this.#events.ofSession({ type: "link_failed", failure });
    this.detach(this.#now);
  }

  /** Over. With a farewell, CLOSE is said if a link is there. */
  #finish(end: SessionEnd, farewell?: string): void {
    if (this.end !== undefined) return;
    const { log } = this.#sender;
    if (this.attached && farewell !== undefined) {
      const reason = encodeReason(farewell, MOST_REASON_BYTES);
      this.#transmitter.farewell(encodeClose(end.code, this.#receiver.rx, reason));
    }
    this.end = end;
    this.attached = false;
    this.#receiver.detach();
    this.#output.forgetLink();
    this.#transmitter.closeDue = undefined;
    this.#sender.clear();
    this.#streams.loseAll(end.reason === "replaced" ? RESET.replaced : RESET.sessionLost);
    log.clear();
    this.#budget.releaseAll();
    this.#events.ofSession({ type: "ended", end });
    this.#work();
  }

  /** Take the drain, if there is one, as far as it goes. */
  #advance(): void {
    while (this.#drain !== undefined && this.end === undefined) {
      const { log, quiet } = this.#sender;
      const step = this.#drain.step(this.#now, {
        attached: this.attached,
        streamsOpen: this.#streams.someOpen,
        delivered: quiet && log.acked === log.sent,
      });
      if (step === undefined) return;
      if (step === "reset_streams") this.#streams.resetAll(RESET.timeout);
      else if (step === "close")
        this.#transmitter.closeDue = encodeClose(CLOSE.done, this.#receiver.rx, new Uint8Array(0));
      else this.#finish({ reason: "closed", code: CLOSE.done, clean: false, error: unconfirmed() }, "");
    }
  }

  /** Why nothing can be opened now, if so. */
  get #refusal(): (() => HoldfastError) | undefined {
    if (this.end !== undefined) return sessionEnded;
    if (this.#streams.refused || this.#drain !== undefined) return goingAway;
    const most = this.#streams.mostOurs;
    return this.#streams.canOpen ? undefined : () => tooManyStreams(most);
  }

  #work(): void {
    if (!this.#inside) this.#onWork?.();
  }
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function clampUint32(value: number): number {
  return Math.min(MOST_UINT32, Math.max(0, Math.ceil(value)));
}
