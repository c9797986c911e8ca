// Runs a handshake that is written as one script: a generator that sends, asks and waits in the order in which things
// happen. Here are the parts that do not depend on what is said: bytes become frames, answers reach the question that
// they belong to, and bytes that come while a proof is being checked are kept, within a limit.
import { HoldfastError } from "../../failure.ts";
import { malformed } from "../wire/malformed.ts";
import { FrameCollector } from "./frame-collector.ts";
import type { HmacRequest } from "./proof.ts";

/** What a script waits for: the next frame, an HMAC, or a decision about `ask`. */
export type Question<Ask> =
  | { readonly type: "frame" }
  | { readonly type: "digest"; readonly hmac: HmacRequest }
  | { readonly type: "decision"; readonly ask: Ask };

/** A script ends with what it returns, or with a `HoldfastError` that it throws. */
export type Script<Ask, Decision, Result> = Generator<
  Question<Ask>,
  Result,
  Uint8Array | Decision | undefined
>;

/** Where a script stands when it can go no further by itself. */
export type Halt<Ask, Result> =
  | Question<Ask>
  | { readonly type: "done"; readonly result: Result; readonly rest: Uint8Array }
  | { readonly type: "failed"; readonly failure: HoldfastError };

const NOTHING = new Uint8Array();

export class Exchange<Ask, Decision, Result> {
  readonly #script: Script<Ask, Decision, Result>;
  readonly #mostHeldBytes: number;
  readonly #collector = new FrameCollector();
  /** Pieces that came while no frame was awaited. Bounded: `#mostHeldBytes` besides the one with the last frame. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #halt: Halt<Ask, Result> | undefined;

  /** `mostHeldBytes`: what may come while no frame is awaited. */
  constructor(script: Script<Ask, Decision, Result>, mostHeldBytes: number) {
    this.#script = script;
    this.#mostHeldBytes = mostHeldBytes;
  }

  /** It ended, well or not. */
  get over(): boolean {
    return this.#halt?.type === "done" || this.#halt?.type === "failed";
  }

  /** An HMAC or a decision is awaited. */
  get busy(): boolean {
    return this.#halt?.type === "digest" || this.#halt?.type === "decision";
  }

  start(): Halt<Ask, Result> {
    return this.#halt ?? this.#run(undefined);
  }

  receive(bytes: Uint8Array): Halt<Ask, Result> {
    const halt = this.start();
    if (this.over || bytes.length === 0) return halt;
    if (this.busy) {
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > this.#mostHeldBytes) return this.#fail(malformed("bytes that nobody waits for"));
    }
    this.#held.push(bytes);
    return this.#feed();
  }

  /** The answer to the open question; ignored if there is none of that type. */
  answer(type: "digest", digest: Uint8Array): Halt<Ask, Result>;
  answer(type: "decision", decision: Decision): Halt<Ask, Result>;
  answer(type: "digest" | "decision", answer: Uint8Array | Decision): Halt<Ask, Result> {
    const halt = this.start();
    if (halt.type !== type) return halt;
    this.#run(answer);
    return this.#feed();
  }

  /** Give the script frames for as long as it asks for them and there are bytes. */
  #feed(): Halt<Ask, Result> {
    let halt = this.start();
    while (halt.type === "frame" && this.#held.length > 0) {
      const piece = this.#held[0]!;
      const { taken, frame, failure } = this.#cut(piece);
      if (failure !== undefined) return this.#fail(failure);
      if (taken === piece.length) this.#held.shift();
      else this.#held[0] = piece.subarray(taken);
      this.#heldBytes = 0;
      if (frame !== undefined) halt = this.#run(frame);
    }
    if (halt.type === "done") return { ...halt, rest: this.#takeRest() };
    if (this.busy && this.#mostHeldBytes === 0 && this.#held.length > 0) {
      return this.#fail(malformed("bytes behind a frame that was not answered yet"));
    }
    return halt;
  }

  #cut(piece: Uint8Array): {
    readonly taken: number;
    readonly frame: Uint8Array | undefined;
    readonly failure?: HoldfastError;
  } {
    try {
      return this.#collector.take(piece);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      return { taken: 0, frame: undefined, failure: error };
    }
  }

  #takeRest(): Uint8Array {
    const pieces = this.#held;
    this.#held = [];
    if (pieces.length <= 1) return pieces[0] ?? NOTHING;
    const rest = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      rest.set(piece, at);
      at += piece.length;
    }
    return rest;
  }

  #fail(failure: HoldfastError): Halt<Ask, Result> {
    this.#held = [];
    this.#halt = { type: "failed", failure };
    return this.#halt;
  }

  #run(answer: Uint8Array | Decision | undefined): Halt<Ask, Result> {
    try {
      const { done, value } = this.#script.next(answer);
      this.#halt = done ? { type: "done", result: value, rest: NOTHING } : value;
      return this.#halt;
    } catch (error) {
      // Anything else is a mistake in a script, and none of the peer's.
      if (!(error instanceof HoldfastError)) throw error;
      return this.#fail(error);
    }
  }
}
