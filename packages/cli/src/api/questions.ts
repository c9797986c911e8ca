// What the connection of an api has to ask, by `auth_…` messages on its lines: when it begins, and once in each outage.
// Whoever gives no answer is not asked again before the connection was back.
import type { ConnectionEntry, QuestionPush } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { Authentication, DaemonClient } from "@holdfast/remote";

export class Questions {
  readonly #client: DaemonClient;
  readonly #authentication: Authentication;
  #entry: ConnectionEntry;
  /** It was asked for since the connection was there last. */
  #begun = false;
  /** Somebody waits for `auth_finished`. */
  #open = true;
  /** Questions that are not answered yet. */
  #asking = 0;
  /** Since when it had stood as it did when it was dialled, or answered, last: that is no news. */
  #oldSince: string | undefined = undefined;

  constructor(client: DaemonClient, entry: ConnectionEntry, authentication: Authentication) {
    this.#client = client;
    this.#entry = entry;
    this.#authentication = authentication;
  }

  /** How the connection stands, first and after each change. */
  look(entry: ConnectionEntry): void {
    this.#entry = entry;
    const { state, since } = entry;
    if (state === "connected") this.#begun = false;
    if (state === "auth_required" && !this.#begun) return void this.#begin();
    if (!this.#open) return;
    // What was begun is under way.
    if (this.#begun && (state === "connecting" || state === "reconnecting")) return;
    if (state === "auth_required" && (this.#asking > 0 || since === this.#oldSince)) return;
    const refused = state === "auth_required" || state === "disconnected";
    if (refused && this.#begun) this.#authentication.failed(whyOf(entry));
    this.#finish();
  }

  /** A question of the daemon's, which asks only because `look` has asked it to. */
  async answer({ id, question, kind, about, questions }: QuestionPush): Promise<void> {
    if (id !== this.#entry.id) return;
    this.#asking += 1;
    const answers =
      kind === "confirm"
        ? wordOf(await this.#authentication.confirm(questions[0]?.text ?? about ?? ""))
        : await this.#authentication.ask(questions, about ?? undefined);
    const before = this.#oldSince;
    this.#oldSince = this.#entry.since;
    try {
      const given = answers === undefined ? null : [...answers];
      await this.#client.ask<"answer">({ type: "answer", question, answers: given });
    } catch {
      // The dial that asked has ended meanwhile, and perhaps its daemon.
      this.#oldSince = before;
    }
    this.#asking -= 1;
    this.look(this.#entry);
  }

  async #begin(): Promise<void> {
    this.#begun = true;
    this.#open = true;
    this.#oldSince = this.#entry.since;
    try {
      await this.#client.ask<"authenticate">({ type: "authenticate", id: this.#entry.id });
    } catch (thrown) {
      this.#authentication.failed(HoldfastError.from(thrown).text);
      this.#finish();
    }
  }

  /** Requests are welcome from now on: those that need the connection say how it stands. */
  #finish(): void {
    this.#open = false;
    this.#authentication.finished();
  }
}

function whyOf({ failure, prompt }: ConnectionEntry): string {
  return failure?.message ?? prompt ?? "it was refused";
}

function wordOf(valid: boolean | undefined): readonly string[] | undefined {
  return valid === undefined ? undefined : [valid ? "yes" : "no"];
}
