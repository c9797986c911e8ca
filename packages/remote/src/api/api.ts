// JSON lines in, JSON lines out: the requests of editors to one machine, whatever happens to its links meanwhile. Knows
// no stream, socket or process of this machine: bytes come by `receive`, lines leave by `send`.
import { HoldfastError, type Clock } from "@holdfast/core";
import { DEFAULT_API_LIMITS, type ApiLimits } from "./limits.ts";
import { MachineUse, type MachineOf } from "./machine/machine-use.ts";
import { encodePayload, type Answer, type Notice } from "./wire/answers.ts";
import { parseLine, type Envelope, type Item } from "./wire/envelope.ts";
import { errorAnswer, overLimit } from "./wire/errors.ts";
import { LineCutter, type CutLine } from "./wire/lines.ts";
import { answerRequest, type Tools } from "./carried/answer-request.ts";
import type { Abilities } from "./carried/facts.ts";
import { Ids } from "./carried/ids.ts";
import type { Outcome } from "./carried/outcome.ts";
import { Processes } from "./carried/processes.ts";
import { runItems } from "./carried/run-items.ts";
import { Tunnels } from "./carried/tunnels.ts";

export interface ApiOptions {
  /** Where the machine is, over one link after another. */
  readonly machineOf: MachineOf;
  /** What the connection can do, for `version`. */
  abilities(): Promise<Abilities>;
  /** A line with its end. Resolves when there is room for more; must not reject. */
  send(line: string): Promise<void>;
  /** Somebody answers a question: a message `auth_…_response`. Default: nobody asked. */
  onAuthentication?(message: Readonly<Record<string, unknown>>): void;
  /** A line that nobody can be answered about, because it has no id. */
  onMalformed(failure: HoldfastError): void;
  /** Of this program, for `version`. */
  readonly version: string;
  readonly clock: Clock;
  /** A short text that nobody else comes up with. */
  unique(): string;
  /** How long a request may take before it is answered with `timed_out`, in milliseconds. Default: as long as it does. */
  readonly timeoutMs?: number | undefined;
  readonly limits?: Partial<ApiLimits>;
}

export interface Api {
  /** Bytes of input, cut anywhere. */
  receive(chunk: Uint8Array): void;
  /** The connection has a new link: ports of the far side are listened on again. */
  relinked(): void;
  /** No more input. Resolves when everything was answered and every process has ended. */
  finish(): Promise<void>;
  /** End it all, at once: processes are killed, nothing is answered any more. */
  close(): void;
}

/** Serve the requests of one client. */
export function openApi(options: ApiOptions): Api {
  return new ServedApi(options);
}

class ServedApi implements Api {
  readonly #options: ApiOptions;
  readonly #limits: ApiLimits;
  readonly #tools: Tools;
  readonly #lines: LineCutter;
  readonly #aborter = new AbortController();
  readonly #answerIds = new Ids();
  #underWay = 0;
  #onIdle: () => void = () => undefined;

  constructor(options: ApiOptions) {
    const limits = { ...DEFAULT_API_LIMITS, ...options.limits };
    const ids = new Ids();
    const { clock, machineOf, version } = options;
    const { signal } = this.#aborter;
    this.#options = options;
    this.#limits = limits;
    this.#lines = new LineCutter(limits.lineBytes);
    this.#tools = {
      use: new MachineUse({ machineOf, signal, tries: limits.tries }),
      limits,
      processes: new Processes(ids, limits),
      tunnels: new Tunnels({ ids, limits, clock }),
      version,
      abilities: () => options.abilities(),
      unique: () => options.unique(),
    };
  }

  receive(chunk: Uint8Array): void {
    if (this.#aborter.signal.aborted) return;
    for (const line of this.#lines.receive(chunk)) this.#take(line);
  }

  relinked(): void {
    if (!this.#aborter.signal.aborted) this.#tools.tunnels.relisten(this.#tools.use);
  }

  async finish(): Promise<void> {
    for (const line of this.#lines.end()) this.#take(line);
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    const { processes, tunnels } = this.#tools;
    tunnels.closeAll();
    processes.endInputs();
    await processes.ended();
  }

  close(): void {
    if (this.#aborter.signal.aborted) return;
    const message = "the api was closed";
    this.#aborter.abort(new HoldfastError({ code: "closed", message, kind: "fatal", fault: "local" }));
    this.#tools.tunnels.closeAll();
    this.#tools.processes.killAll();
  }

  #take(line: CutLine): void {
    if ("failure" in line) return this.#options.onMalformed(line.failure);
    const incoming = parseLine(line.text, this.#limits.requests);
    switch (incoming.kind) {
      case "authentication":
        this.#options.onAuthentication?.(incoming.message);
        break;
      case "malformed":
        if (incoming.id === undefined) this.#options.onMalformed(incoming.failure);
        else void this.#send(incoming.id, errorAnswer(incoming.failure));
        break;
      case "envelope":
        void this.#serve(incoming);
    }
  }

  async #serve(envelope: Envelope): Promise<void> {
    const { id, batch, sequence, items } = envelope;
    const { requests, batchWidth, readBytes } = this.#limits;
    if (this.#underWay > 0 && this.#underWay + items.length > requests) {
      return this.#send(id, errorAnswer(overLimit("requests under way", requests, "wait for answers")));
    }
    this.#underWay += items.length;
    try {
      const budget = { bytes: readBytes };
      const order = { width: sequence ? 1 : batchWidth, failFast: sequence };
      const outcomes = await runItems(items, order, async (item) =>
        within(budget, await this.#limited(item, id)),
      );
      const answers = outcomes.map(({ answer }) => answer);
      await this.#send(id, batch ? answers : (answers[0] as Answer));
      for (const { follow } of outcomes) follow?.();
    } finally {
      this.#underWay -= items.length;
      if (this.#underWay === 0) this.#onIdle();
    }
  }

  /** What it comes to, or an error in time. */
  #limited(item: Item, origin: string): Promise<Outcome> {
    const { timeoutMs, clock } = this.#options;
    const work = this.#outcome(item, origin);
    if (timeoutMs === undefined) return work;
    return new Promise((resolve) => {
      const timer = clock.timer(() => {
        resolve({ answer: late(timeoutMs, item) });
        void work.then(({ discard }) => discard?.());
      });
      timer.set(timeoutMs);
      void work.then((outcome) => {
        timer.clear();
        resolve(outcome);
      });
    });
  }

  async #outcome(item: Item, origin: string): Promise<Outcome> {
    try {
      if ("failure" in item) throw item.failure;
      return await answerRequest(this.#tools, item.request, (notice) => this.#send(origin, notice));
    } catch (thrown) {
      return { answer: errorAnswer(thrown) };
    }
  }

  /** Never rejects. */
  async #send(origin: string, payload: Answer | Notice | readonly Answer[]): Promise<void> {
    if (this.#aborter.signal.aborted) return;
    const id = String(this.#answerIds.next());
    await this.#options.send(`${encodePayload({ id, origin_id: origin, payload })}\n`);
  }
}

/** All files of one list together are no more than one may be. */
function within(budget: { bytes: number }, outcome: Outcome): Outcome {
  const { answer } = outcome;
  if (answer.type !== "blob" && answer.type !== "text") return outcome;
  budget.bytes -= answer.data.length;
  if (budget.bytes >= 0) return outcome;
  const message = "the files of this list are too large for one answer";
  const hint = "ask for fewer at a time";
  return { answer: errorAnswer(new HoldfastError({ code: "too_large", message, hint, fault: "local" })) };
}

/** Requests that only look. */
const LOOKING: ReadonlySet<string> = new Set([
  "file_read",
  "file_read_text",
  "dir_read",
  "exists",
  "metadata",
  "system_info",
  "status",
  "version",
]);

function late(timeoutMs: number, item: Item): Answer {
  const message = `no answer within ${timeoutMs} ms`;
  const answer = errorAnswer(new HoldfastError({ code: "timed_out", message }));
  const changes = "request" in item && !LOOKING.has(item.request.type);
  return changes ? { ...answer, may_have_run: true } : answer;
}
