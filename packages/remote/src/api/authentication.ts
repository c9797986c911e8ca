// Questions of a connection as distant asks them: `auth_…` messages, of which some want an answer. One question at a
// time; those that come meanwhile wait. Whoever asks gets nothing twice.
import { HoldfastError } from "@holdfast/core";
import type { Question } from "../plugin/interaction.ts";

/** What is sent to whoever answers. */
export type AuthenticationMessage =
  | { readonly type: "auth_initialization"; readonly methods: readonly string[] }
  | { readonly type: "auth_start_method"; readonly method: string }
  | {
      readonly type: "auth_challenge";
      readonly questions: readonly object[];
      readonly options: object;
      readonly extra: object;
    }
  | { readonly type: "auth_verification"; readonly kind: "host" | "unknown"; readonly text: string }
  | { readonly type: "auth_info"; readonly text: string }
  | { readonly type: "auth_error"; readonly kind: "fatal" | "error"; readonly text: string }
  | { readonly type: "auth_finished" };

export interface AuthenticationOptions {
  send(message: AuthenticationMessage): void;
  /** A message that nobody waits for. */
  onOdd(failure: HoldfastError): void;
}

const METHOD = "keyboard_interactive";
const MOST_ANSWERS = 64;

interface Waiting {
  readonly type: string;
  settle(message: Readonly<Record<string, unknown>> | undefined): void;
}

export class Authentication {
  readonly #options: AuthenticationOptions;
  #waiting: Waiting | undefined = undefined;
  #started = false;
  #closed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  /** The answers, one for each question; undefined if nobody gives them. */
  ask(questions: readonly Question[], about?: string): Promise<readonly string[] | undefined> {
    return this.#inTurn(async () => {
      if (!(await this.#begin())) return undefined;
      const instructions = about === undefined ? {} : { instructions: about };
      const shown = questions.map(({ text, echo }, index) => {
        const extra = { echo: String(echo) };
        return { label: `question_${index + 1}`, text, options: extra, extra };
      });
      // The older name and the newer one: editors of both are about.
      this.#send({ type: "auth_challenge", questions: shown, options: instructions, extra: instructions });
      const answer = await this.#next("auth_challenge_response");
      const answers = answer?.["answers"];
      if (isTexts(answers) && answers.length === questions.length) return answers;
      if (answer !== undefined)
        this.#odd(`auth_challenge_response has ${questions.length} answers, which are strings`);
      return undefined;
    });
  }

  /** Whether it is so; undefined if nobody says. */
  confirm(text: string): Promise<boolean | undefined> {
    return this.#inTurn(async () => {
      if (!(await this.#begin())) return undefined;
      this.#send({ type: "auth_verification", kind: "host", text });
      const answer = await this.#next("auth_verification_response");
      const valid = answer?.["valid"];
      if (typeof valid === "boolean") return valid;
      if (answer !== undefined) this.#odd("auth_verification_response has valid, which is true or false");
      return undefined;
    });
  }

  /** Nothing is to be asked, or nothing any more: requests may come. */
  finished(): void {
    this.#started = false;
    this.#send({ type: "auth_finished" });
  }

  /** It did not work. */
  failed(text: string): void {
    this.#started = false;
    this.#send({ type: "auth_error", kind: "error", text });
  }

  /** A message `auth_…` of whoever answers. */
  receive(message: Readonly<Record<string, unknown>>): void {
    const waiting = this.#waiting;
    if (waiting === undefined || message["type"] !== waiting.type) {
      return this.#odd(`nobody waits for ${JSON.stringify(String(message["type"]).slice(0, 64))}`);
    }
    this.#waiting = undefined;
    waiting.settle(message);
  }

  /** Nobody answers any more: whatever is asked comes to nothing. */
  close(): void {
    this.#closed = true;
    this.#waiting?.settle(undefined);
    this.#waiting = undefined;
  }

  async #begin(): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#started) return true;
    this.#send({ type: "auth_initialization", methods: [METHOD] });
    const answer = await this.#next("auth_initialization_response");
    const methods = answer?.["methods"];
    if (!isTexts(methods) || !methods.includes(METHOD)) {
      if (answer !== undefined) this.failed(`no other way than ${METHOD} to answer was offered`);
      return false;
    }
    this.#started = true;
    this.#send({ type: "auth_start_method", method: METHOD });
    return true;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #next(type: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((settle) => (this.#waiting = { type, settle }));
  }

  #send(message: AuthenticationMessage): void {
    if (!this.#closed) this.#options.send(message);
  }

  #odd(message: string): void {
    this.#options.onOdd(new HoldfastError({ code: "bad_answer", message, kind: "fatal", fault: "peer" }));
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.length <= MOST_ANSWERS && value.every((one) => typeof one === "string")
  );
}
