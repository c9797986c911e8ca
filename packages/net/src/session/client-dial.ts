// One dial of a client: from a link of bytes to a link that carries the session.
import { HoldfastError, type Clock, type Random } from "@holdfast/core";
import {
  ClientHandshake,
  type ClientOutcome,
  type HandshakeStep,
  type Instance,
  type Resumption,
} from "@holdfast/core/session";
import type { ByteLink } from "../byte-link.ts";
import type { Attempt } from "../link.ts";
import { ClientLink } from "./client-link.ts";
import type { DrivenSession } from "./driven-session.ts";
import { HandshakeRun } from "./handshake-run.ts";
import type { Identity } from "./identity.ts";
import { later } from "./later.ts";
import { LinkInput } from "./link-input.ts";
import type { SessionCrypto } from "./surface.ts";

type Outcome<Type> = Extract<ClientOutcome, { readonly type: Type }>;

/** Where a line stands with its sessions: what a dial needs of it, and tells it. */
export interface DialSubject {
  readonly clock: Clock;
  readonly crypto: SessionCrypto;
  /** For jitter only. */
  readonly random: Random;
  readonly identity: Identity;
  readonly instance: Instance;
  /** What is to be resumed, if anything. */
  readonly resumption: Resumption | undefined;
  /** The session that is to be resumed, or one that has not begun. */
  readonly driven: DrivenSession;
  /** Nothing more is wanted than the end of what there is. */
  readonly closing: boolean;
  /** For a HELLO that no dial was made for. */
  credentials(): Promise<Uint8Array | undefined>;
  /** The session has begun. */
  greeted(outcome: Outcome<"greeted">): void;
  /** The session cannot go on. The next `driven` is another one. */
  lost(outcome: Outcome<"session_lost">): void;
  /** The session has this link now. */
  linked(link: ClientLink): void;
  /** The line has it, too: let it begin. */
  begin(link: ClientLink, rest: Uint8Array): void;
}

/** Whoever goes away is not back sooner, however few its clients are, in milliseconds. */
const LEAST_RETURN_MS = 250;

/** A link, once the session is on it. Rejects as a dial does. */
export function dialSession(
  dial: (attempt: Attempt) => Promise<ByteLink>,
  attempt: Attempt<Uint8Array | undefined>,
  subject: DialSubject,
): Promise<ClientLink> {
  return new Promise((resolve, reject) => {
    new ClientDial(attempt, subject, resolve, reject).start(dial);
  });
}

class ClientDial {
  readonly #attempt: Attempt<Uint8Array | undefined>;
  readonly #subject: DialSubject;
  readonly #resolve: (link: ClientLink) => void;
  readonly #reject: (failure: unknown) => void;
  readonly #stop = (): void => this.#fail(this.#attempt.signal.reason);
  #carrier: ByteLink | undefined = undefined;
  #input: LinkInput | undefined = undefined;
  #run: HandshakeRun<HandshakeStep<ClientOutcome>> | undefined = undefined;
  #link: ClientLink | undefined = undefined;
  #credentials: Uint8Array | undefined;
  #over = false;

  constructor(
    attempt: Attempt<Uint8Array | undefined>,
    subject: DialSubject,
    resolve: (link: ClientLink) => void,
    reject: (failure: unknown) => void,
  ) {
    this.#attempt = attempt;
    this.#subject = subject;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#credentials = attempt.credential;
  }

  start(dial: (attempt: Attempt) => Promise<ByteLink>): void {
    const attempt = this.#attempt;
    attempt.signal.addEventListener("abort", this.#stop, { once: true });
    const lost = (cause?: unknown): void => {
      if (this.#link === undefined) attempt.lost(cause);
      else this.#link.lost(cause);
    };
    dial({ ...attempt, lost }).then(
      (carrier) => this.#opened(carrier),
      (thrown: unknown) => this.#fail(thrown),
    );
  }

  #opened(carrier: ByteLink): void {
    if (this.#over) return carrier.close();
    this.#carrier = carrier;
    this.#input = new LinkInput(carrier, (bytes) => {
      // Nobody has asked anything yet.
      if (this.#run === undefined) this.#fail(spokeFirst());
      this.#run?.receive(bytes);
      return false;
    });
    this.#shakeHands(carrier);
  }

  #shakeHands(carrier: ByteLink): void {
    this.#greet(carrier).catch((thrown: unknown) => this.#fail(thrown));
  }

  async #greet(carrier: ByteLink): Promise<void> {
    const { crypto, clock, entropy, identity, instance, trust } = await this.#prepare(carrier);
    if (this.#over) return;
    const { resumption, driven } = this.#subject;
    const handshake = new ClientHandshake({
      identity,
      instance,
      trust,
      entropy,
      continues: resumption === undefined ? { fresh: driven.session } : { resumption },
    });
    const took = ({ outcome }: HandshakeStep<ClientOutcome>): boolean => {
      if (outcome !== undefined) this.#ended(outcome, carrier);
      return outcome !== undefined;
    };
    const failed = (failure: HoldfastError): void => this.#fail(failure);
    this.#run = new HandshakeRun({ link: carrier, handshake, crypto, clock, took, failed });
    this.#run.perform(handshake.start(clock.mono()));
  }

  async #prepare({ trust }: ByteLink) {
    const { crypto, clock, identity, instance } = this.#subject;
    const said = await identity.towards(trust, this.#credentials);
    return { crypto, clock, entropy: crypto.entropy, identity: said, instance, trust };
  }

  #ended(outcome: ClientOutcome, carrier: ByteLink): void {
    switch (outcome.type) {
      case "greeted":
        this.#subject.greeted(outcome);
        if (outcome.authenticate && this.#credentials !== undefined) {
          this.#subject.driven.authenticate(this.#credentials);
        }
        return this.#up(carrier, true, outcome.rest);
      case "resumed":
        return this.#up(carrier, false, outcome.rest);
      case "session_lost":
        this.#subject.lost(outcome);
        if (outcome.hello && !this.#subject.closing) return void this.#again(carrier);
        return this.#fail(outcome.failure);
      case "refused":
        return this.#fail(refusedBy(outcome, this.#subject.random));
    }
  }

  /** The link is good for one HELLO more. */
  async #again(carrier: ByteLink): Promise<void> {
    try {
      this.#credentials = await this.#subject.credentials();
      if (!this.#over) this.#shakeHands(carrier);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #up(carrier: ByteLink, fresh: boolean, rest: Uint8Array): void {
    const { driven, clock, resumption } = this.#subject;
    const input = this.#input as LinkInput;
    input.keep();
    const reconnectWindowMs = resumption?.reconnectWindowMs;
    const link = new ClientLink({
      carrier,
      input,
      attempt: this.#attempt,
      driven,
      fresh,
      reconnectWindowMs,
      clock,
    });
    this.#link = link;
    this.#over = true;
    this.#attempt.signal.removeEventListener("abort", this.#stop);
    this.#subject.linked(link);
    // The line's own continuation was queued first: when the session begins to speak, `connected` is written.
    this.#resolve(link);
    later(() => this.#subject.begin(link, rest));
  }

  #fail(thrown: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#attempt.signal.removeEventListener("abort", this.#stop);
    this.#run?.stop();
    this.#input?.drop();
    this.#carrier?.close();
    this.#reject(thrown);
  }
}

/**
 * Who goes away wants its clients back within a window, each at a moment of its own: else all come at its end, or in
 * no time.
 */
function refusedBy(
  { failure, reconnectWindowMs, alternative }: Outcome<"refused">,
  random: Random,
): HoldfastError {
  if (!reconnectWindowMs && alternative === undefined) return failure;
  const { code, message, kind, fault, retryAfterMs, hint } = failure;
  const returnMs = reconnectWindowMs && Math.max(LEAST_RETURN_MS, random() * reconnectWindowMs);
  return new HoldfastError({
    code,
    message,
    kind,
    fault,
    retryAfterMs: returnMs || retryAfterMs,
    hint: alternative === undefined ? hint : `it can be reached at ${alternative} instead`,
  });
}

function spokeFirst(): HoldfastError {
  const message = "the other side spoke first, which no relay of this protocol does";
  return new HoldfastError({ code: "not_our_peer", message, fault: "peer" });
}
