// One link of a plugin, from the first byte of its dial to its end. It reports to whichever attempt of the line stands
// behind it: to none while it is made beside a link that is up, or while a person thinks about a question of its dial.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";
import { Aborter, type Attempt } from "@holdfast/net";
import { authRequired, type Interaction } from "../plugin/interaction.ts";
import type { Backend, HealthCheck } from "../plugin/plugin.ts";
import { CountedMachine } from "./counted-machine.ts";
import { Health } from "./health.ts";

export interface MachineLinkParts {
  readonly backend: Backend;
  readonly interaction: Interaction;
  readonly clock: Clock;
  readonly check: HealthCheck;
  readonly order: Pick<Attempt, "attempt" | "epoch" | "suspect">;
  /** Nothing is dialled after its loss, so that nobody is asked for anything either. */
  readonly last: boolean;
  /** How long a dial may take that no attempt of the line stands behind. */
  readonly dialTimeoutMs: number;
  /** How long a person may think about a question. */
  readonly questionMs: number;
  /** The last open question was answered, or its dial has ended over it. */
  readonly onAnswered: () => void;
}

export class MachineLink {
  /** The machine, when the handshake is complete. Nobody needs to handle the rejection. */
  readonly ready: Promise<CountedMachine>;
  /** Once it has ended while nobody stood behind it. */
  onOrphaned: () => void = () => undefined;
  machine: CountedMachine | undefined = undefined;
  readonly #parts: MachineLinkParts;
  readonly #aborter = new Aborter();
  readonly #limit: Timer;
  readonly #health: Health;
  #behind: Attempt | undefined = undefined;
  #onQuestion: () => void = () => undefined;
  #prompt: string | undefined = undefined;
  #lost: HoldfastError | undefined = undefined;
  #failed = false;

  constructor(parts: MachineLinkParts) {
    const { clock, check } = parts;
    this.#parts = parts;
    this.#limit = clock.timer(() => this.#late());
    this.#health = new Health({
      check,
      clock,
      ping: async () => this.machine?.link.ping(),
      alive: () => this.#heard(),
      dead: (failure) => this.#loss(failure),
    });
    this.ready = this.#make();
    this.ready.catch(() => {
      this.#failed = true;
      this.#limit.clear();
    });
  }

  /** The dial runs, or the link is up. */
  get live(): boolean {
    return !this.#aborter.signal.aborted && this.#lost === undefined && !this.#failed;
  }

  /** Who is asked. */
  get interaction(): Interaction {
    return this.#parts.interaction;
  }

  /** A person is being asked. */
  get asking(): boolean {
    return this.#prompt !== undefined;
  }

  /** Whether an attempt of the line hears its reports. */
  get backed(): boolean {
    return this.#behind !== undefined;
  }

  /** This attempt hears of everything from now on, and limits the dial. */
  back(attempt: Attempt): void {
    this.#behind = attempt;
    if (!this.asking) this.#limit.clear();
    if (this.#lost !== undefined) attempt.lost(this.#lost);
  }

  /** Nobody stands behind it: a dial has its own limit. */
  unback(): void {
    this.#behind = undefined;
    if (this.machine === undefined && !this.asking) this.#limit.set(this.#parts.dialTimeoutMs);
  }

  /** As `ready`, but rejects with `auth_required` as soon as a person has to think. */
  async unlessAsking(): Promise<CountedMachine> {
    for (;;) {
      if (this.#prompt !== undefined) throw authRequired(this.#prompt);
      const asked = new Promise<void>((resolve) => (this.#onQuestion = resolve));
      const machine = await Promise.race([this.ready, asked]);
      // A question that was answered at once has kept nobody waiting.
      if (machine === undefined) continue;
      if (this.#lost !== undefined) throw this.#lost;
      return machine;
    }
  }

  /** Ask for a sign of life. */
  ping(): void {
    void this.#health.ask();
  }

  /** End the dial or the link, at once and for good. */
  end(reason: HoldfastError): void {
    this.#health.stop();
    this.#limit.clear();
    this.#prompt = undefined;
    this.#behind = undefined;
    const { machine } = this;
    this.#aborter.abort(reason);
    if (machine !== undefined) discard(machine, reason);
  }

  #make(): Promise<CountedMachine> {
    const { backend, interaction } = this.#parts;
    const { signal } = this.#aborter;
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", stop, { once: true });
      const dial = async (): Promise<void> => {
        const machine = new CountedMachine(await backend.dial(this.#report(), this.#listening(interaction)));
        if (signal.aborted) return discard(machine, HoldfastError.from(signal.reason));
        signal.removeEventListener("abort", stop);
        this.#limit.clear();
        this.machine = machine;
        resolve(machine);
      };
      dial().catch(reject);
    });
  }

  #report(): Attempt {
    const { order } = this.#parts;
    return {
      ...order,
      signal: this.#aborter.signal,
      credential: undefined,
      heard: () => this.#heard(),
      lost: (cause) => this.#loss(cause === undefined ? endedByPeer() : HoldfastError.from(cause)),
      draining: (windowMs) => this.#behind?.draining(windowMs),
      progress: (unackedBytes, movedBytes) => this.#behind?.progress(unackedBytes, movedBytes),
    };
  }

  #heard(): void {
    this.#health.heard();
    this.#behind?.heard();
  }

  #loss(failure: HoldfastError): void {
    if (!this.live) return;
    const told = this.#parts.last ? unasked(failure) : failure;
    this.#lost = told;
    this.#health.stop();
    if (this.#behind !== undefined) this.#behind.lost(told);
    else this.onOrphaned();
  }

  /** Questions go to the person, and are seen to be open. */
  #listening(interaction: Interaction): Interaction {
    if (!interaction.attended) return interaction;
    const during = async <T>(prompt: string, ask: () => Promise<T>): Promise<T> => {
      this.#opened(prompt);
      try {
        return await ask();
      } finally {
        this.#answered();
      }
    };
    return {
      attended: true,
      ask: (questions, about) => {
        const prompt = questions[0]?.text ?? about ?? "an answer is needed";
        return during(prompt, () => interaction.ask(questions, about));
      },
      confirm: (text) => during(text, () => interaction.confirm(text)),
    };
  }

  #opened(prompt: string): void {
    if (!this.live) return;
    this.#prompt = prompt;
    this.#limit.set(this.#parts.questionMs);
    this.#onQuestion();
  }

  #answered(): void {
    if (this.#prompt === undefined) return;
    this.#prompt = undefined;
    this.#limit.clear();
    if (!this.backed && this.live) this.#limit.set(this.#parts.dialTimeoutMs);
    this.#parts.onAnswered();
  }

  #late(): void {
    const { questionMs, dialTimeoutMs } = this.#parts;
    const prompt = this.#prompt;
    const message = `no answer within ${prompt === undefined ? dialTimeoutMs : questionMs} ms`;
    this.end(
      prompt === undefined
        ? new HoldfastError({ code: "timed_out", message })
        : authRequired(prompt, "nobody answered in time: reconnect to be asked again"),
    );
  }
}

/** A link that a person could have kept alive is lost like any other. */
function unasked(failure: HoldfastError): HoldfastError {
  if (failure.kind !== "unauthorized") return failure;
  const { code, text: message, fault, hint } = failure;
  return new HoldfastError({ code, message, fault, hint, kind: "transient", cause: failure });
}

/** Closing must not throw; a link that does all the same harms nobody. */
function discard({ link }: CountedMachine, reason: HoldfastError): void {
  try {
    link.close(reason);
  } catch {
    // It is given up either way.
  }
}

function endedByPeer(): HoldfastError {
  const message = "the other side closed the connection";
  return new HoldfastError({ code: "closed_by_peer", message, fault: "peer" });
}
