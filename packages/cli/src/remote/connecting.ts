// One connection that this command waits for: what is asked meanwhile is asked on the terminal, and over a crash of the
// daemon it goes on.
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionEntry, Push, QuestionPush } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { describeEntry } from "../describe.ts";
import { entriesOfPush, saysGone } from "../entries-of-push.ts";
import { escapeText } from "../terminal/escape.ts";
import { askPerson, type AskPerson } from "./ask-person.ts";
import { errorOfEnd, errorOfFailure, localError } from "./failure.ts";

/** How long whoever cancels may wait for the daemon. */
const TAKE_BACK_MS = 2_000;

export interface Begun {
  readonly id: number;
  /** It was there already, so that it is not ours to end. */
  readonly joined: boolean;
}

export interface ConnectingOptions {
  readonly context: Context;
  readonly client: DaemonClient;
  /** Asked again after each crash of the daemon. */
  readonly begin: () => Promise<Begun>;
  /** How it stood before, if it was there. */
  readonly before?: ConnectionEntry;
  /** It is enough that it is there. */
  readonly atOnce?: boolean;
  /** A dial that fails is the end, also of one that is kept and dialled again. */
  readonly oneDial?: boolean;
}

export class Connecting {
  /** Resolves when it is connected. Rejects with why it will not be by itself. */
  readonly outcome: Promise<ConnectionEntry>;
  readonly #options: ConnectingOptions;
  readonly #person: AskPerson;
  readonly #stopListening: () => void;
  /** What is known of connections while it is not known which one is ours; at most those of the daemon. */
  readonly #seen = new Map<number, ConnectionEntry>();
  /** Questions that came before it was known which connection is ours: at most one for each dial of this command. */
  readonly #early: QuestionPush[] = [];
  #resolve: (entry: ConnectionEntry) => void = () => undefined;
  #reject: (failure: HoldfastError) => void = () => undefined;
  #beginning: Promise<void>;
  #begun: Begun | undefined;
  /** The present daemon knows it, so that it is gone when it is listed no more. */
  #listed = false;
  /** Since when it had stood as it did when it was asked for, or answered, last. */
  #oldSince: string | undefined;
  #asking = 0;
  #said = "";
  #over = false;

  constructor(options: ConnectingOptions) {
    this.#options = options;
    this.#oldSince = options.before?.since;
    this.#person = askPerson(options.context.output);
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stopListening = options.client.listen({
      topics: ["connection"],
      onPush: (push) => this.#hear(push),
      onQuestion: (question) => this.#question(question),
      onAway: () => {
        this.#asking = 0;
        this.#listed = false;
      },
      onBack: () => {
        this.#beginning = this.#begin();
      },
    });
    void options.client.ended.then(({ error }) => this.#reject(error ?? closed()));
    this.#beginning = this.#begin();
  }

  cancel(reason: HoldfastError): void {
    this.#reject(reason);
  }

  stop(): void {
    this.#over = true;
    this.#stopListening();
  }

  /** What was begun and has failed is not left behind; what others had begun before is theirs. */
  async takeBack(): Promise<void> {
    const control = await this.#options.client.control(AbortSignal.timeout(TAKE_BACK_MS));
    // It may be dialling already when the answer to the request for it is still under way.
    await Promise.race([this.#beginning, delay(TAKE_BACK_MS, undefined, { ref: false })]);
    const begun = this.#begun;
    if (begun === undefined || begun.joined) return;
    await control.disconnect(begun.id);
  }

  async #begin(): Promise<void> {
    try {
      const { id, joined } = await this.#options.begin();
      // With the same key it joins what this command itself had begun.
      this.#begun = { id, joined: this.#begun?.joined ?? joined };
      if (this.#over) return;
      this.#listed = true;
      for (const question of this.#early.splice(0)) this.#question(question);
      const control = await this.#options.client.control();
      const entry = await control.status(id).catch(() => this.#seen.get(id));
      if (entry?.type === "connection") this.#look(entry);
    } catch (thrown) {
      this.#reject(localError(thrown));
    }
  }

  #hear(push: Push): void {
    for (const entry of entriesOfPush(push)) {
      if (entry.type !== "connection") continue;
      this.#seen.set(entry.id, entry);
      if (entry.id === this.#begun?.id) this.#look(entry);
    }
    const id = this.#listed ? this.#begun?.id : undefined;
    if (id === undefined || !saysGone(push, id)) return;
    const last = this.#seen.get(id);
    this.#reject(errorOfEnd(last?.reason ?? null, last?.failure ?? null));
  }

  #look(entry: ConnectionEntry): void {
    if (this.#over) return;
    if (this.#options.atOnce === true || entry.state === "connected") return this.#resolve(entry);
    if (entry.since === this.#oldSince) return;
    if (entry.state === "disconnected") return this.#reject(errorOfEnd(entry.reason, entry.failure));
    if (entry.state === "auth_required" && this.#asking > 0) return;
    if (entry.state === "auth_required") return this.#reject(unanswered(entry));
    // The dial that asked goes on with the answer, and what it asked stands on the terminal already.
    if (entry.failure?.code === "auth_required") return;
    if (this.#options.oneDial === true && entry.phase === "waiting" && entry.failure !== null) {
      return this.#reject(errorOfFailure(entry.failure));
    }
    const text = `${escapeText(entry.destination)}: ${describeEntry(entry, Date.now())}`;
    if (text !== this.#said) this.#options.context.output.status(text);
    this.#said = text;
  }

  #question(question: QuestionPush): void {
    if (this.#begun === undefined) this.#early.push(question);
    if (question.id === this.#begun?.id && !this.#over) void this.#answer(question);
  }

  async #answer(question: QuestionPush): Promise<void> {
    const { client } = this.#options;
    this.#asking += 1;
    const answers = await this.#person(question);
    if (answers === null) this.#reject(declined(question));
    else if (this.#over) return;
    try {
      this.#oldSince = this.#seen.get(question.id)?.since;
      await client.ask<"answer">({ type: "answer", question: question.question, answers });
    } catch {
      // The dial that asked has ended meanwhile; what became of it is an event.
    }
    this.#asking = Math.max(0, this.#asking - 1);
  }
}

function unanswered({ prompt, failure, destination }: ConnectionEntry): HoldfastError {
  const what = failure?.message ?? prompt ?? "an answer";
  return new HoldfastError({
    code: failure?.code ?? "auth_required",
    message: `${destination}: ${what}`,
    kind: "unauthorized",
    fault: "peer",
    hint: failure?.hint ?? "holdfast authenticate, in a terminal, asks you for it",
  });
}

function declined({ questions }: QuestionPush): HoldfastError {
  const message = `nobody answered: ${questions[0]?.text.trim() ?? ""}`;
  const hint = "it is asked on the terminal; without one, use a key or an agent";
  return new HoldfastError({ code: "auth_required", message, hint, kind: "unauthorized", fault: "peer" });
}

function closed(): HoldfastError {
  return new HoldfastError({ code: "closed", message: "the line to the daemon was closed", fault: "local" });
}
