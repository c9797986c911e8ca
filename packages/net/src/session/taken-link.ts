// One accepted link, from its first byte to its end: first a handshake, within limits, then a session's. Until it has
// proved something it costs one of these, one handshake and one timer.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";
import {
  ServerHandshake,
  type Acceptor,
  type HelloRequest,
  type HelloVerdict,
  type ServerSession,
  type ServerStep,
} from "@holdfast/core/session";
import type { AcceptedByteLink } from "../byte-link.ts";
import { HandshakeRun } from "./handshake-run.ts";
import { LinkInput, type TakeInput } from "./link-input.ts";
import type { SessionCrypto } from "./surface.ts";

/** How long the other side may take to hear our last words, in milliseconds. */
const PARTING_MS = 1_000;

/**
 * What may come, in bytes, until the handshake is done: four frames of 4 KiB with what a transport puts around them
 * (RESUME and, when that is refused, HELLO, each with its proof).
 */
const MAX_UNPROVED_BYTES = 4 * (4_096 + 64);

/** What a link needs of its host. */
export interface LinkHost {
  readonly acceptor: Acceptor;
  readonly crypto: SessionCrypto;
  readonly clock: Clock;
  readonly handshakeTimeoutMs: number;
  decide(hello: HelloRequest, remoteAddress: string): HelloVerdict | Promise<HelloVerdict>;
  /** Hang up the link that this session is on. */
  displaced(session: ServerSession): void;
  attached(session: ServerSession, link: TakenLink, fresh: boolean): void;
  /** It did not become part of a session, or not at the first try. */
  refused(failure: HoldfastError, link: TakenLink): void;
  /** It is closed. Its session, if it still has it, is to be told. */
  gone(link: TakenLink): void;
}

export class TakenLink {
  readonly carrier: AcceptedByteLink;
  readonly #host: LinkHost;
  readonly #handshake: ServerHandshake;
  readonly #run: HandshakeRun<ServerStep>;
  readonly #timer: Timer;
  #input: LinkInput | undefined = undefined;
  #state: "greeting" | "attached" | "parting" | "closed" = "greeting";

  constructor(carrier: AcceptedByteLink, host: LinkHost) {
    this.carrier = carrier;
    this.#host = host;
    const { acceptor, crypto, clock } = host;
    this.#handshake = new ServerHandshake({ acceptor, trust: carrier.trust });
    this.#run = new HandshakeRun({
      link: carrier,
      handshake: this.#handshake,
      crypto,
      clock,
      before: ({ detached }) => detached !== undefined && host.displaced(detached),
      took: (step) => this.#took(step),
      failed: (failure) => this.#refuse(failure),
    });
    this.#timer = clock.timer(() => this.#tooLate());
  }

  start(): void {
    this.#timer.set(this.#host.handshakeTimeoutMs);
    this.carrier.restrict?.(MAX_UNPROVED_BYTES);
    this.carrier.onEnd((cause) => this.#ended(cause));
    this.#input = new LinkInput(this.carrier, (bytes) => {
      this.#run.receive(bytes);
      return false;
    });
  }

  to(take: TakeInput): void {
    if (this.#state === "attached") this.#input?.to(take);
  }

  /** Send what is written, then end. */
  part(): void {
    if (this.#state === "closed" || this.#state === "parting") return;
    this.#state = "parting";
    this.#input?.drop();
    this.#letGo();
    this.#timer.set(PARTING_MS);
    this.carrier.end();
  }

  /** Nobody is taken in any more. */
  dismiss(): void {
    if (this.#state === "greeting") this.close();
    else this.part();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#timer.clear();
    this.#input?.drop();
    this.carrier.close();
    this.#letGo();
    this.#host.gone(this);
  }

  #letGo(): void {
    this.#run.stop();
    this.#handshake.linkEnded(this.#host.clock.mono());
  }

  #took({ ask, refused, outcome, send }: ServerStep): boolean {
    if (refused !== undefined) this.#host.refused(refused, this);
    if (ask !== undefined) this.#ask(ask);
    if (outcome === undefined) return false;
    if (outcome.type === "refused") {
      this.#refuse(outcome.failure);
      // Whoever is told nothing needs no time to hear it.
      if (send === undefined) this.close();
    } else {
      this.#state = "attached";
      this.#timer.clear();
      this.carrier.restrict?.(undefined);
      this.#host.attached(outcome.session, this, outcome.fresh);
    }
    return true;
  }

  #ask(hello: HelloRequest): void {
    const verdict = this.#host.decide(hello, this.carrier.remoteAddress);
    if (verdict instanceof Promise) verdict.then((late) => this.#decided(late), this.#undecided);
    else this.#decided(verdict);
  }

  #decided(verdict: HelloVerdict): void {
    if (this.#state !== "greeting") return;
    this.#run.perform(this.#handshake.decided(verdict, this.#host.clock.mono()));
  }

  readonly #undecided = (thrown: unknown): void => this.#refuse(HoldfastError.from(thrown));

  #refuse(failure: HoldfastError): void {
    if (this.#state !== "greeting") return;
    this.#host.refused(failure, this);
    this.part();
  }

  #ended(cause: unknown): void {
    // A network that breaks is no refusal; what the carrier itself would not bear is.
    if (this.#state === "greeting" && cause instanceof HoldfastError && cause.kind === "fatal") {
      this.#host.refused(cause, this);
    }
    this.close();
  }

  #tooLate(): void {
    if (this.#state === "greeting") {
      const message = `no handshake within ${this.#host.handshakeTimeoutMs / 1_000} s`;
      this.#host.refused(new HoldfastError({ code: "timed_out", message, fault: "peer" }), this);
    }
    this.close();
  }
}
