// Make a connection, or join one that is there: what is asked meanwhile is asked on the terminal, and over a crash of the
// daemon it goes on.
import { randomBytes } from "node:crypto";
import type { ConnectionEntry, Push, QuestionPush, ReconnectPolicyJson, Request } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { describeState } from "../describe.ts";
import { entriesOfPush, removedBy } from "../entries-of-push.ts";
import { escapeText } from "../terminal/escape.ts";
import { askPerson, canAsk, type AskPerson } from "./ask-person.ts";
import { callerEnvironment } from "./caller-environment.ts";
import { errorOfEnd, localError } from "./failure.ts";

export interface ConnectToOptions {
  /** Whole, with its scheme; see `defaultDestination`. */
  readonly destination: string;
  readonly name?: string | undefined;
  /** Of the plugin. */
  readonly options?: Readonly<Record<string, string>>;
  readonly policy?: ReconnectPolicyJson | undefined;
  readonly noReconnect?: boolean;
  /** `false`: it ends with this command. Default `true`. */
  readonly kept?: boolean;
  /** Kept, and dialled again from the start; resolves at once. */
  readonly background?: boolean;
  /** Also if there is such a connection already. */
  readonly new?: boolean;
  readonly secret?: string | undefined;
  /** Cancels it; one that was there already stays. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves when it is connected (with `background`: when it is there).
 * @throws HoldfastError why the first dial failed, with its kind; `bad_destination`, `bad_option`, `unknown_scheme`;
 * `auth_required` if nobody can be asked; the signal's reason.
 */
export async function connectTo(
  context: Context,
  client: DaemonClient,
  options: ConnectToOptions,
): Promise<ConnectionEntry> {
  const attended = options.background !== true && canAsk();
  const request = requestOf(context, options, attended);
  const connecting = new Connecting(context, client, request);
  const abort = (): void => connecting.cancel(HoldfastError.from(options.signal?.reason));
  options.signal?.addEventListener("abort", abort, { once: true });
  if (options.signal?.aborted) abort();
  try {
    return await connecting.outcome;
  } catch (thrown) {
    await connecting.takeBack();
    throw thrown;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    connecting.stop();
  }
}

type ConnectRequest = Extract<Request, { type: "connect" }>;

/** A key says who asks: with it, a daemon that was started again knows what it began already. */
export function newKey(): string {
  return randomBytes(16).toString("hex");
}

function requestOf({ env }: Context, options: ConnectToOptions, attended: boolean): ConnectRequest {
  const { destination, name, policy, secret, noReconnect, kept, background } = options;
  return {
    type: "connect",
    key: newKey(),
    destination,
    environment: callerEnvironment(env),
    attended,
    ...(name !== undefined && { name }),
    ...(options.options !== undefined && { options: { ...options.options } }),
    ...(policy !== undefined && { policy }),
    ...(secret !== undefined && { secret }),
    ...(noReconnect === true && { no_reconnect: true }),
    ...(kept !== undefined && { kept }),
    ...(background === true && { background: true }),
    ...(options.new === true && { new: true }),
  };
}

class Connecting {
  readonly outcome: Promise<ConnectionEntry>;
  readonly #context: Context;
  readonly #client: DaemonClient;
  readonly #request: ConnectRequest;
  readonly #person: AskPerson;
  readonly #stopListening: () => void;
  /** What is known of connections while it is not known which one is ours; at most those of the daemon. */
  readonly #seen = new Map<number, ConnectionEntry>();
  /** Questions that came before it was known which connection is ours: at most one for each dial of this command. */
  readonly #early: QuestionPush[] = [];
  #resolve: (entry: ConnectionEntry) => void = () => undefined;
  #reject: (failure: HoldfastError) => void = () => undefined;
  #id: number | undefined;
  #joined = false;
  #said = "";
  #over = false;

  constructor(context: Context, client: DaemonClient, request: ConnectRequest) {
    this.#context = context;
    this.#client = client;
    this.#request = request;
    this.#person = askPerson(context.output);
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stopListening = client.listen({
      topics: ["connection"],
      onPush: (push) => this.#hear(push),
      onQuestion: (question) => this.#question(question),
      onBack: () => void this.#begin(),
    });
    void client.ended.then(({ error }) => this.#reject(error ?? ended()));
    void this.#begin();
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
    if (this.#id === undefined || this.#joined) return;
    const id = this.#id;
    const link = AbortSignal.timeout(1_000);
    await this.#client
      .control(link)
      .then((control) => control.disconnect(id))
      .catch(() => undefined);
  }

  /** Asked again after each crash: with the same key it joins what was begun and is still there. */
  async #begin(): Promise<void> {
    try {
      const { id, joined } = await this.#client.ask<"connect">(this.#request);
      if (this.#over) return;
      this.#joined = this.#id === undefined ? joined : this.#joined;
      this.#id = id;
      const early = this.#early.splice(0);
      for (const question of early) this.#question(question);
      const control = await this.#client.control();
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
      if (entry.id === this.#id) this.#look(entry);
    }
    const removed = removedBy(push);
    if (removed === undefined) return;
    const last = this.#seen.get(removed);
    if (removed === this.#id) this.#reject(errorOfEnd(last?.reason ?? null, last?.failure ?? null));
  }

  #look(entry: ConnectionEntry): void {
    if (this.#over) return;
    if (this.#request.background === true || entry.state === "connected") return this.#resolve(entry);
    if (entry.state === "disconnected") return this.#reject(errorOfEnd(entry.reason, entry.failure));
    if (entry.state === "auth_required") return this.#authRequired(entry);
    const text = `${escapeText(entry.destination)}: ${describeState(entry)}`;
    if (text !== this.#said) this.#context.output.status(text);
    this.#said = text;
  }

  #authRequired(entry: ConnectionEntry): void {
    if (this.#request.attended !== true) return this.#reject(unattended(entry));
    // One that somebody else began waits for a person: here is one.
    if (this.#joined && this.#said !== "asked") {
      this.#said = "asked";
      this.#client.ask<"authenticate">({ type: "authenticate", id: entry.id }).catch((thrown: unknown) => {
        this.#reject(localError(thrown));
      });
    }
  }

  #question(question: QuestionPush): void {
    if (this.#id === undefined) this.#early.push(question);
    if (question.id !== this.#id || this.#over) return;
    void this.#answer(question);
  }

  async #answer(question: QuestionPush): Promise<void> {
    const answers = await this.#person(question);
    if (this.#over) return;
    try {
      await this.#client.ask<"answer">({ type: "answer", question: question.question, answers });
    } catch {
      // The dial that asked has ended meanwhile; what became of it is an event.
    }
    if (answers === null) this.#reject(declined(question));
  }
}

function unattended({ prompt, failure, destination }: ConnectionEntry): HoldfastError {
  const what = prompt ?? failure?.message ?? "an answer";
  return new HoldfastError({
    code: "auth_required",
    message: `${destination} needs an answer, and there is no terminal to ask on: ${what}`,
    kind: "unauthorized",
    fault: "peer",
    hint: failure?.hint ?? "run it in a terminal, or use a key or an agent",
  });
}

function declined({ questions }: QuestionPush): HoldfastError {
  const message = `nobody answered: ${questions[0]?.text.trim() ?? ""}`;
  return new HoldfastError({ code: "auth_required", message, kind: "unauthorized", fault: "peer" });
}

function ended(): HoldfastError {
  return new HoldfastError({ code: "closed", message: "the line to the daemon was closed", fault: "local" });
}
