// The server's side of a link's handshake, and, once it is over, what ties the link to its session. It does no I/O:
// bytes, answers and verdicts go in, and each call returns what to do.
import { FRAME } from "../wire/frame-types.ts";
import { malformed } from "../wire/malformed.ts";
import type { Instant } from "../../ports.ts";
import type { Acceptor } from "./acceptor.ts";
import { Exchange, type Halt } from "./exchange.ts";
import type { KeptSession } from "./kept-session.ts";
import { nextFrame, type Part } from "./questions.ts";
import type { Answer, ServerContext } from "./server-context.ts";
import { answerHello } from "./server-hello.ts";
import { answerResume } from "./server-resume.ts";
import type { HelloRequest, HelloVerdict, LinkTrust, ServerSession, ServerStep } from "./surface.ts";
import type { HoldfastError } from "../../failure.ts";

export interface ServerHandshakeOptions {
  readonly acceptor: Acceptor;
  /** Of the link. */
  readonly trust: LinkTrust;
}

/** What one call has done besides asking. */
interface Deeds {
  readonly send: Uint8Array[];
  detached: ServerSession | undefined;
  refused: HoldfastError | undefined;
}

/** One for each link, from its first byte until its end. */
export class ServerHandshake {
  readonly #acceptor: Acceptor;
  readonly #exchange: Exchange<HelloRequest, HelloVerdict, Answer>;
  #now: Instant = 0;
  #deeds: Deeds = noDeeds();
  #kept: KeptSession | undefined;
  #gone = false;

  constructor({ acceptor, trust }: ServerHandshakeOptions) {
    this.#acceptor = acceptor;
    this.#exchange = new Exchange(
      converse(this.#context(trust), (failure) => this.#noteRefusal(failure)),
      0,
    );
  }

  /** Bytes of the link, until the outcome. Nothing may come behind a frame before it is answered. */
  receive(bytes: Uint8Array, now: Instant): ServerStep {
    if (this.#over) return {};
    this.#now = now;
    const asked = this.#exchange.busy;
    return this.#step(this.#exchange.receive(bytes), asked);
  }

  /** The answer to `hmac`. */
  proved(digest: Uint8Array, now: Instant): ServerStep {
    if (this.#over) return {};
    this.#now = now;
    return this.#step(this.#exchange.answer("digest", digest));
  }

  /** The answer to `ask`. */
  decided(verdict: HelloVerdict, now: Instant): ServerStep {
    if (this.#over) return {};
    this.#now = now;
    return this.#step(this.#exchange.answer("decision", verdict));
  }

  /**
   * The link has ended, during the handshake or long after. Its session, if it has one and no other link has taken it,
   * is away from now on; answers that are still to come change nothing.
   */
  linkEnded(now: Instant): void {
    this.#gone = true;
    this.#leave(now);
  }

  get #over(): boolean {
    return this.#gone || this.#exchange.over;
  }

  #leave(now: Instant): void {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) this.#acceptor.letGo(kept, this, now);
  }

  /** `asked`: the open question was in an earlier step already. */
  #step(halt: Halt<HelloRequest, Answer>, asked = false): ServerStep {
    const { send, detached, refused } = this.#deeds;
    this.#deeds = noDeeds();
    const done: ServerStep = {
      ...(detached === undefined ? {} : { detached }),
      ...(send.length > 0 ? { send } : {}),
      ...(refused === undefined ? {} : { refused }),
    };
    switch (halt.type) {
      case "frame":
        return done;
      case "digest":
        return asked ? done : { ...done, hmac: halt.hmac };
      case "decision":
        return asked ? done : { ...done, ask: halt.ask };
      case "failed":
        this.#leave(this.#now);
        return { ...done, outcome: { type: "refused", failure: halt.failure } };
      case "done": {
        const { result } = halt;
        if (result.type === "attached") return { ...done, outcome: result };
        this.#leave(this.#now);
        return { ...done, outcome: { type: "refused", failure: result.failure } };
      }
    }
  }

  #noteRefusal(failure: HoldfastError): void {
    this.#deeds.refused = failure;
  }

  #context(trust: LinkTrust): ServerContext {
    const now = (): Instant => this.#now;
    const acceptor = this.#acceptor;
    return {
      acceptor,
      trust,
      get now() {
        return now();
      },
      send: (frame) => {
        this.#deeds.send.push(frame);
      },
      adopt: (kept, claim) => {
        if (acceptor.adopt(kept, this, claim, now())) this.#deeds.detached = kept;
        this.#kept = kept;
      },
      holds: (kept) => kept.holder === this,
      dismiss: (kept) => {
        if (!kept.away) this.#deeds.detached = kept;
        kept.holder = undefined;
        acceptor.table.remove(kept);
      },
    };
  }
}

function noDeeds(): Deeds {
  return { send: [], detached: undefined, refused: undefined };
}

/** One frame, and after a refusal one HELLO more. */
function* converse(
  at: ServerContext,
  noteRefusal: (failure: HoldfastError) => void,
): Part<Answer, HelloRequest> {
  const frame = yield* nextFrame();
  const answer = yield* answerFirst(at, frame);
  if (answer.type === "attached" || !answer.again) return answer;
  noteRefusal(answer.failure);
  const second = yield* nextFrame();
  if (second[0] !== FRAME.hello) throw malformed("only HELLO may follow a refusal");
  return yield* answerHello(at, second);
}

function* answerFirst(at: ServerContext, frame: Uint8Array): Part<Answer, HelloRequest> {
  if (frame[0] === FRAME.hello) return yield* answerHello(at, frame);
  if (frame[0] === FRAME.resume) return yield* answerResume(at, frame);
  throw malformed("a link begins with HELLO or RESUME");
}
