// The client's side of a link's handshake. It does no I/O: bytes and answers go in, and each call returns what to send,
// what to compute, and in the end what has become of the link.
import type { Instant } from "../../ports.ts";
import type { Session } from "../session.ts";
import type { ClientContext } from "./client-context.ts";
import { greet } from "./client-hello.ts";
import { resume } from "./client-resume.ts";
import { Exchange, type Halt } from "./exchange.ts";
import type { Entropy } from "./proof.ts";
import { hungUp } from "./refusals.ts";
import type {
  ClientIdentity,
  ClientOutcome,
  HandshakeStep,
  Instance,
  LinkTrust,
  Resumption,
} from "./surface.ts";

export interface ClientHandshakeOptions {
  readonly identity: ClientIdentity;
  /** Of the line. */
  readonly instance: Instance;
  /** Of the link. */
  readonly trust: LinkTrust;
  readonly entropy: Entropy;
  /** A session that never began, or what is kept of one that goes on. */
  readonly continues: { readonly fresh: Session } | { readonly resumption: Resumption };
}

/** Held while an answer of the server is being checked, besides the piece that brought it, in bytes. */
const MOST_HELD_BYTES = 65_536;

/** One for each link, from its first byte until `outcome`. */
export class ClientHandshake {
  readonly #exchange: Exchange<never, never, ClientOutcome>;
  #now: Instant = 0;
  /** At most the one frame of a step. */
  #send: Uint8Array[] = [];

  constructor(options: ClientHandshakeOptions) {
    const { continues } = options;
    const context = this.#context(options);
    const script =
      "fresh" in continues ? greet(context, continues.fresh) : resume(context, continues.resumption);
    this.#exchange = new Exchange(script, MOST_HELD_BYTES);
  }

  /**
   * An answer has come and is being checked: what comes behind it is kept, at most 64 KiB, so hold the link's reading
   * back until the next step. Pieces handed in meanwhile stay in use until the outcome's `rest` is.
   */
  get holding(): boolean {
    return this.#exchange.busy;
  }

  /** The link is there. With a session to be resumed, its old link is let go in this call: hang that up. */
  start(now: Instant): HandshakeStep<ClientOutcome> {
    this.#now = now;
    return this.#step(this.#exchange.start());
  }

  receive(bytes: Uint8Array, now: Instant): HandshakeStep<ClientOutcome> {
    if (this.#exchange.over) return {};
    this.#now = now;
    const asked = this.#exchange.busy;
    return this.#step(this.#exchange.receive(bytes), asked);
  }

  /** The answer to `hmac`. */
  proved(digest: Uint8Array, now: Instant): HandshakeStep<ClientOutcome> {
    if (this.#exchange.over) return {};
    this.#now = now;
    return this.#step(this.#exchange.answer("digest", digest));
  }

  /** `asked`: the open question was in an earlier step already. */
  #step(halt: Halt<never, ClientOutcome>, asked = false): HandshakeStep<ClientOutcome> {
    const send = this.#send;
    this.#send = [];
    const sent = send.length > 0 ? { send } : {};
    if (halt.type === "digest") return asked ? sent : { ...sent, hmac: halt.hmac };
    if (halt.type === "failed") return { ...sent, outcome: hungUp(halt.failure) };
    if (halt.type !== "done") return sent;
    const { result, rest } = halt;
    return { ...sent, outcome: "rest" in result ? { ...result, rest } : result };
  }

  #context(options: ClientHandshakeOptions): ClientContext {
    const now = (): Instant => this.#now;
    const { identity, instance, trust, entropy } = options;
    return {
      identity,
      instance,
      trust,
      entropy,
      get now() {
        return now();
      },
      send: (frame) => {
        this.#send.push(frame);
      },
    };
  }
}
