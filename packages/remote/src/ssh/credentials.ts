// Who we are, in the order of the configuration: the agent's keys, key files, then what only a person knows. Nobody is
// asked in the background, and nothing that was refused is offered again: that is `auth_required`.
import { HoldfastError } from "@holdfast/core";
import type { Interaction, Question } from "../plugin/interaction.ts";
import { authRequired } from "../plugin/interaction.ts";
import { peerLines, peerText } from "../plugin/peer-text.ts";
import { findAgent, openKey, publicBlobs } from "./keys.ts";
import type { AnyAuthMethod, KeyboardInteractiveCallback, Prompt, SshLibraryError } from "./library.ts";
import type { SshSettings } from "./settings.ts";

/** How often a person may mistype. */
const TRIES = 3;
/** A server that asks more, or at more length, is refused. */
const MOST_PROMPTS = 16;
const MOST_ROUNDS = 10;
const MOST_NOTES = 100;
const MOST_PROMPT_TEXT = 1_024;
/** SSH_DISCONNECT_PROTOCOL_ERROR: how sshd says "Too many authentication failures". */
const TOO_MANY = /too many authentication failures/i;

export class Credentials {
  readonly #settings: SshSettings;
  readonly #interaction: Interaction;
  readonly #name: string;
  /** What was tried and why it did not help: at most `MOST_NOTES`. */
  readonly #notes: string[] = [];
  /** The agent and key files that were offered already: one for each credential. */
  readonly #offered = new Set<string>();
  #methods: AsyncGenerator<AnyAuthMethod, void>;
  /** As the server's last answer has it; bounded by the size of a packet. */
  #methodsLeft: readonly string[] = [];
  #rounds = 0;
  #refused = false;
  #fail: (error: unknown) => void = () => undefined;

  constructor(settings: SshSettings, interaction: Interaction) {
    this.#settings = settings;
    this.#interaction = interaction;
    this.#name = `${settings.user}@${settings.host}`;
    this.#methods = this.#all();
  }

  /** Where failures go that come while a question is open. */
  attach(fail: (error: unknown) => void): void {
    this.#fail = fail;
  }

  /**
   * The next thing to offer. The first is nothing, which makes the server say what it takes.
   * @throws HoldfastError `auth_required` when there is nothing left, and those of the interaction.
   */
  async next(methodsLeft: readonly string[] | null, partial: boolean): Promise<AnyAuthMethod> {
    if (methodsLeft === null) return { type: "none", username: this.#settings.user };
    this.#methodsLeft = methodsLeft;
    // One of several was accepted: what the server did not take before it may take now.
    if (partial) this.#methods = this.#all();
    const { value } = await this.#methods.next();
    if (value === undefined) throw this.#exhausted();
    this.#refused = true;
    return value;
  }

  note(text: string): void {
    if (this.#notes.length < MOST_NOTES) this.#notes.push(text);
  }

  /** What the end of the connection means if credentials were offered before it. */
  refusal(error: SshLibraryError): HoldfastError | undefined {
    return this.#refused && TOO_MANY.test(error.message) ? this.#exhausted() : undefined;
  }

  async *#all(): AsyncGenerator<AnyAuthMethod, void> {
    for (const method of this.#settings.authentication) {
      if (method === "publickey") yield* this.#keys();
      if (method === "keyboard-interactive") yield* this.#keyboard();
      if (method === "password") yield* this.#password();
    }
  }

  #takes(method: string): boolean {
    return this.#methodsLeft.includes(method);
  }

  async *#keys(): AsyncGenerator<AnyAuthMethod, void> {
    const { user: username, agent: socket, identitiesOnly, identityFiles } = this.#settings;
    if (!this.#takes("publickey")) return;
    if (socket !== undefined && this.#first("agent")) {
      const only = identitiesOnly ? await publicBlobs(identityFiles) : undefined;
      const agent = await findAgent(socket, only);
      if (typeof agent === "string") this.note(agent);
      else {
        this.note("the agent's keys were refused");
        yield { type: "agent", username, agent };
      }
    }
    for (const file of identityFiles) {
      if (!this.#takes("publickey")) return;
      if (!this.#first(file)) continue;
      const key = await openKey(file, this.#interaction);
      if (key === undefined) continue;
      if (typeof key === "string") this.note(key);
      else {
        this.note(`the key ${file} was refused`);
        yield { type: "publickey", username, key };
      }
    }
  }

  async *#keyboard(): AsyncGenerator<AnyAuthMethod, void> {
    for (let tries = 0; tries < TRIES && this.#takes("keyboard-interactive"); tries++) {
      if (!this.#somebody("the server wants to ask something")) return;
      if (tries > 0) this.note("the answers were refused");
      const prompt = (
        name: string,
        about: string,
        _: string,
        prompts: Prompt[],
        finish: KeyboardInteractiveCallback,
      ) => void this.#ask(name, about, prompts).then(finish, this.#fail);
      yield { type: "keyboard-interactive", username: this.#settings.user, prompt };
    }
  }

  async *#password(): AsyncGenerator<AnyAuthMethod, void> {
    for (let tries = 0; tries < TRIES && this.#takes("password"); tries++) {
      if (!this.#somebody("the server wants a password")) return;
      if (tries > 0) this.note("the password was refused");
      const text = `${this.#name}'s password: `;
      const [password = ""] = await this.#interaction.ask([{ text, echo: false }]);
      yield { type: "password", username: this.#settings.user, password };
    }
  }

  async #ask(name: string, about: string, prompts: readonly Prompt[]): Promise<string[]> {
    if (prompts.length > MOST_PROMPTS || ++this.#rounds > MOST_ROUNDS) {
      const message = `${this.#name} asks too many questions`;
      throw new HoldfastError({ code: "too_many", message, kind: "fatal", fault: "peer" });
    }
    const questions: Question[] = prompts.map(({ prompt, echo = false }) => ({
      text: peerLines(prompt, MOST_PROMPT_TEXT),
      echo,
    }));
    const above = [this.#name, name, about].filter((line) => line !== "").join("\n");
    return [...(await this.#interaction.ask(questions, peerLines(above, MOST_PROMPT_TEXT)))];
  }

  #first(credential: string): boolean {
    if (this.#offered.has(credential)) return false;
    this.#offered.add(credential);
    return true;
  }

  #somebody(wish: string): boolean {
    if (!this.#interaction.attended) this.note(`${wish}, and nobody is there to give it`);
    return this.#interaction.attended;
  }

  #exhausted(): HoldfastError {
    const why =
      this.#notes.length === 0 ? "there is no key or agent to offer" : [...new Set(this.#notes)].join("; ");
    const takes = peerText(this.#methodsLeft.join(", "));
    const hint = "connect again by hand, or add a key to the agent; it is not tried again by itself";
    return authRequired(`the login as ${this.#name} was refused: ${why} (the server takes ${takes})`, hint);
  }
}
