// Runs a handshake over a link: bytes and proofs go in, what it says is written, until it has its outcome. The same
// for both sides; proofs may take their time.
import { HoldfastError, type Clock, type Instant } from "@holdfast/core";
import type { HandshakeStep } from "@holdfast/core/session";
import type { ByteLink } from "../byte-link.ts";
import type { SessionCrypto } from "./surface.ts";

/** What the two handshakes have in common. */
interface Handshake<Step> {
  receive(bytes: Uint8Array, now: Instant): Step;
  proved(digest: Uint8Array, now: Instant): Step;
  /** It keeps what comes until a proof is there: the link should not bring more. Default `false`. */
  readonly holding?: boolean;
}

export interface HandshakeRunOptions<Step> {
  readonly link: ByteLink;
  readonly handshake: Handshake<Step>;
  readonly crypto: SessionCrypto;
  readonly clock: Clock;
  /** Called before a step's own bytes are sent. */
  readonly before?: (step: Step) => void;
  /** … and after that, for whatever else it says. Returns `true` if the run is over. */
  readonly took: (step: Step) => boolean;
  /** The platform could not compute a proof. */
  readonly failed: (failure: HoldfastError) => void;
}

export class HandshakeRun<Step extends HandshakeStep<unknown>> {
  readonly #options: HandshakeRunOptions<Step>;
  #over = false;
  #held = false;

  constructor(options: HandshakeRunOptions<Step>) {
    this.#options = options;
  }

  /** Nothing more is heard of it. */
  stop(): void {
    this.#over = true;
  }

  /** Bytes are kept by the handshake, so their memory is never free to be used again. */
  receive(bytes: Uint8Array): void {
    const { handshake, clock } = this.#options;
    if (!this.#over) this.perform(handshake.receive(bytes, clock.mono()));
  }

  perform(first: Step): void {
    const { handshake, link, crypto, clock, took } = this.#options;
    for (let step = first; ;) {
      this.#options.before?.(step);
      for (const piece of step.send ?? []) link.write(piece);
      if (took(step)) return this.stop();
      if (step.hmac === undefined) break;
      const digest = crypto.hmac(step.hmac);
      if (!(digest instanceof Uint8Array)) {
        void this.#wait(digest);
        break;
      }
      step = handshake.proved(digest, clock.mono());
    }
    this.#hold(handshake.holding ?? false);
  }

  async #wait(proof: Promise<Uint8Array>): Promise<void> {
    const { handshake, clock, failed } = this.#options;
    try {
      const digest = await proof;
      if (this.#over) return;
      this.#hold(false);
      this.perform(handshake.proved(digest, clock.mono()));
    } catch (thrown) {
      if (!this.#over) failed(HoldfastError.from(thrown));
      this.stop();
    }
  }

  #hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    this.#options.link.hold(held);
  }
}
