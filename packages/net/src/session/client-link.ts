// A link of a client's line: it carries the session from the end of the handshake until one of the two ends.
import type { Clock, HoldfastError, Instant } from "@holdfast/core";
import type { ByteLink } from "../byte-link.ts";
import type { Attempt } from "../link.ts";
import type { DrivenSession } from "./driven-session.ts";
import { later } from "./later.ts";
import type { LinkInput } from "./link-input.ts";
import type { SessionLink } from "./surface.ts";

/** How long the other side has to say goodbye in return, in milliseconds. */
const PARTING_MS = 1_000;

/** Progress is judged in tens of seconds; to tell of every arrival would cost more than the arrival. */
const PROGRESS_MS = 100;

export interface ClientLinkOptions {
  readonly carrier: ByteLink;
  readonly input: LinkInput;
  readonly attempt: Attempt;
  readonly driven: DrivenSession;
  readonly fresh: boolean;
  readonly reconnectWindowMs: number | undefined;
  readonly clock: Clock;
}

export class ClientLink implements SessionLink {
  readonly carrier: ByteLink;
  readonly fresh: boolean;
  readonly localAddress: string | undefined;
  readonly reconnectWindowMs: number | undefined;
  /** Settles when the carrier is closed. */
  readonly gone: Promise<void>;
  readonly #options: ClientLinkOptions;
  #left: () => void = () => undefined;
  #state: "new" | "up" | "parting" | "closed" = "new";
  #busy = false;
  #toldAt: Instant = -Infinity;

  constructor(options: ClientLinkOptions) {
    this.#options = options;
    this.carrier = options.carrier;
    this.fresh = options.fresh;
    this.localAddress = options.carrier.localAddress;
    this.reconnectWindowMs = options.reconnectWindowMs;
    this.gone = new Promise((resolve) => (this.#left = resolve));
  }

  /** Whether it is the session's present link. */
  get up(): boolean {
    return this.#state === "up";
  }

  /** The line has the link now. `rest`: what came behind the handshake. */
  begin(rest: Uint8Array): void {
    if (this.#state !== "new") return;
    this.#state = "up";
    const { driven, input, carrier } = this.#options;
    driven.attach(carrier, rest);
    if (this.#state === "up") input.to((bytes) => driven.receive(bytes));
  }

  ping(): void {
    this.#options.driven.ping();
  }

  /** Hang up; but if the session has just said that it is over, let the other side hear of it. */
  close(): void {
    const { driven, carrier, clock } = this.#options;
    if (this.#state === "closed" || this.#state === "parting") return;
    if (this.#state !== "up" || driven.end === undefined) return this.#leave();
    this.#state = "parting";
    const timer = clock.timer(() => this.#leave());
    timer.set(PARTING_MS);
    void this.gone.then(() => timer.clear());
    // The session's last words are written when its turn is over.
    later(() => carrier.end());
  }

  /** The carrier has ended. */
  lost(cause: unknown): void {
    if (this.#state === "parting") this.#leave();
    else this.#options.attempt.lost(cause);
  }

  /** The session cannot use it any more. */
  fail(failure: HoldfastError): void {
    this.#options.attempt.lost(failure);
  }

  /** The other side lets it go, and wants its clients back within the window. It ends the link; if not, we do. */
  released(windowMs: number, failure: HoldfastError): void {
    const { attempt, clock } = this.#options;
    attempt.draining(windowMs);
    const timer = clock.timer(() => attempt.lost(failure));
    timer.set(PARTING_MS);
    void this.gone.then(() => timer.clear());
  }

  turned(now: Instant): void {
    const { driven, attempt } = this.#options;
    const { unackedBytes } = driven;
    const busy = unackedBytes > 0;
    if (busy === this.#busy && now - this.#toldAt < PROGRESS_MS) return;
    this.#busy = busy;
    this.#toldAt = now;
    attempt.progress(unackedBytes, driven.movedBytes);
  }

  #leave(): void {
    const { driven, carrier, input } = this.#options;
    const attached = this.#state === "up" || this.#state === "parting";
    this.#state = "closed";
    input.drop();
    carrier.close();
    if (attached) driven.leaveLink();
    this.#left();
  }
}
