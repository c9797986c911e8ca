// A process on another machine, attended from here: its streams, its terminal, the signals, and its end. What can go
// wrong between here and there ends it with a clear message and the code 255, never in silence.
import { HoldfastError } from "@holdfast/core";
import type { Process, ProcessRequest } from "@holdfast/remote";
import { escapeText } from "../terminal/escape.ts";
import { formatDuration } from "../terminal/format.ts";
import type { ConnectionWatch } from "./connection-watch.ts";
import { stateOf } from "./connection-watch.ts";
import { ESCAPE_HELP, type Escape } from "./escapes.ts";
import { exitStatus, OURS, signalStatus, startStatus } from "./exit-status.ts";
import { showOutput, type FarOutput } from "./far-output.ts";
import { passSignals } from "./passed-signals.ts";
import { enterRawMode, onResize, terminalSize } from "./raw-terminal.ts";
import { reach, type Reached, type ReachOptions } from "./reach.ts";
import { TypedInput } from "./typed-input.ts";

export interface FarProcessOptions extends ReachOptions {
  readonly request: Omit<ProcessRequest, "terminal">;
  /** Give it a terminal of the size of ours. */
  readonly terminal: boolean;
  /** Give it our stdin. */
  readonly input: boolean;
}

/** How long a process whose output nobody reads may take to end, in milliseconds. */
const BROKEN_PIPE_MS = 5_000;

/**
 * Run it to its end. @returns the exit code.
 * @throws HoldfastError what kept it from starting.
 */
export async function runFarProcess(options: FarProcessOptions): Promise<number> {
  const reached = await reach(options);
  try {
    const process = await start(options, reached);
    if (typeof process === "number") return process;
    options.context.output.line({ type: "proc_spawned", id: 1 });
    return await new Attendance(options, reached, process).code.catch((thrown: unknown) => {
      throw explained(thrown, reached);
    });
  } finally {
    await reached.close();
  }
}

/** The process, or the exit code of one that could not be started. */
async function start(options: FarProcessOptions, { remote, watch }: Reached): Promise<Process | number> {
  try {
    return await remote.machine.start(requestOf(options));
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    const code = startStatus(error);
    if (code !== undefined) options.context.output.error(error);
    if (code !== undefined) return code;
    if (error.code !== "link_lost" && error.code !== "not_connected") throw error;
    if (remote.failure?.code === "daemon_lost") throw remote.failure;
    const message = `the connection ${watch.entry.name} was lost while the command was being started: ${causeOf(error).text}`;
    const hint = "it may have been started; look before you start it again";
    throw new HoldfastError({ code: "link_lost", message, hint, cause: error });
  }
}

function requestOf({ request, terminal, context }: FarProcessOptions): ProcessRequest {
  if (!terminal) return request;
  const type = context.env["TERM"];
  return { ...request, terminal: { ...terminalSize(), ...(type !== undefined && type !== "" && { type }) } };
}

class Attendance {
  /** Rejects with a failure of ours. */
  readonly code: Promise<number>;
  readonly #options: FarProcessOptions;
  readonly #reached: Reached;
  readonly #process: Process;
  readonly #output: FarOutput;
  /** What has to be undone at the end: one for each thing that was done at the beginning. */
  readonly #undo: (() => void)[] = [];
  #typed: TypedInput | undefined = undefined;
  #giveUp: (code: number) => void = () => undefined;

  constructor(options: FarProcessOptions, reached: Reached, process: Process) {
    this.#options = options;
    this.#reached = reached;
    this.#process = process;
    const { output } = options.context;
    this.#output = showOutput({
      process,
      output,
      onBytes: () => reached.notices.leave(),
      onBroken: () => this.#outputBroken(),
    });
    this.#passInput();
    const giveUp = (name: string): void => this.#stopWaiting(signalStatus(name));
    this.#undo.push(passSignals({ process, terminal: options.terminal, giveUp }));
    if (options.terminal) this.#undo.push(onResize((size) => process.resize(size)));
    this.code = this.#untilEnd();
  }

  async #untilEnd(): Promise<number> {
    const given = new Promise<number>((resolve) => (this.#giveUp = resolve));
    try {
      const code = await Promise.race([this.#ended(), given]);
      if (this.#output.failure !== undefined) throw this.#output.failure;
      return code;
    } catch (thrown) {
      await this.#output.restore();
      throw thrown;
    } finally {
      this.#reached.notices.leave();
      for (const undo of this.#undo.reverse()) undo();
    }
  }

  async #ended(): Promise<number> {
    const end = await this.#process.ended;
    await this.#output.done;
    if (this.#output.lost !== undefined) throw this.#output.lost;
    const { code, signal } = end;
    this.#options.context.output.line({
      type: "proc_done",
      id: 1,
      success: code === 0,
      ...(code !== undefined && { code }),
      ...(signal !== undefined && { signal }),
    });
    return exitStatus(end);
  }

  #passInput(): void {
    const { stdin } = this.#process;
    const { terminal, input, context } = this.#options;
    stdin.on("error", () => undefined);
    if (!input) return void stdin.end();
    if (terminal && process.stdin.isTTY && !context.output.json) return this.#passKeys();
    const source = process.stdin;
    // A stdin that cannot be read (a directory, a terminal that is gone) is at its end.
    source.on("error", () => void stdin.end());
    source.pipe(stdin);
    this.#undo.push(() => void source.unpipe(stdin).pause());
  }

  #passKeys(): void {
    const { notices, watch } = this.#reached;
    this.#undo.push(enterRawMode());
    notices.raw = true;
    const typed = new TypedInput({
      source: process.stdin,
      sink: this.#process.stdin,
      isAway: () => watch.entry.state !== "connected",
      onEscape: (escape) => this.#escape(escape),
      onHeld: (overflow) => this.#held(overflow),
    });
    this.#typed = typed;
    this.#reached.aside = () => (typed.heldBytes === 0 ? "" : ` (${this.#waiting})`);
    this.#reached.onState = () => {
      if (watch.entry.state === "connected") typed.back();
    };
    this.#undo.push(() => {
      typed.stop();
      notices.raw = false;
    });
  }

  #held(overflow: boolean): void {
    const { notices, watch, aside } = this.#reached;
    if (overflow) notices.bell();
    if (watch.entry.state !== "connected") notices.lasting(`${watch.text}${aside()}`, watch.matter);
  }

  get #waiting(): string {
    const bytes = this.#typed?.heldBytes ?? 0;
    return `${bytes} ${bytes === 1 ? "byte waits" : "bytes wait"}`;
  }

  #escape(escape: Escape): void {
    const { notices } = this.#reached;
    switch (escape) {
      case "end":
        notices.say("ended by ~.");
        return this.#hangUp();
      case "reconnect":
        return this.#reconnect();
      case "status":
        return void this.#status();
      case "help":
        return ESCAPE_HELP.forEach((line) => notices.say(line));
    }
  }

  #reconnect(): void {
    const { notices, watch } = this.#reached;
    const { id, state, plugin } = watch.entry;
    // A session goes on over the new link; whatever else runs stays on the old one, which is not kept for long.
    const stays = state === "connected" && plugin !== "holdfast";
    notices.say(`connection ${id}: dialling now${stays ? "; what runs here ends with the old link" : ""}`);
    watch.reconnect().catch((thrown: unknown) => notices.say(escapeText(HoldfastError.from(thrown).text)));
  }

  async #status(): Promise<void> {
    const { notices, watch } = this.#reached;
    const lines = await statusLines(watch).catch((thrown: unknown) => [HoldfastError.from(thrown).text]);
    for (const line of lines) notices.say(escapeText(line));
    if ((this.#typed?.heldBytes ?? 0) > 0) notices.say(this.#waiting);
  }

  /** As if the terminal had been closed. */
  #hangUp(): void {
    const over = (): void => this.#stopWaiting(OURS);
    this.#process.signal("HUP").then(over, over);
  }

  #outputBroken(): void {
    if (this.#output.failure !== undefined) return this.#stopWaiting(OURS);
    const giveUp = (): void => this.#stopWaiting(signalStatus("PIPE"));
    this.#process.signal("PIPE").catch(giveUp);
    const timer = setTimeout(giveUp, BROKEN_PIPE_MS);
    this.#undo.push(() => clearTimeout(timer));
  }

  #stopWaiting(code: number): void {
    void this.#output.restore().then(() => this.#giveUp(code));
  }
}

async function statusLines(watch: ConnectionWatch): Promise<string[]> {
  const entry = await watch.refresh();
  const heard =
    entry.last_heard === null
      ? "never"
      : `${formatDuration(Math.max(0, Date.now() - Date.parse(entry.last_heard)))} ago`;
  return [
    `connection ${entry.id} (${entry.name}) to ${entry.destination}: ${stateOf(entry)}`,
    `last heard ${heard}, ${entry.epoch} link${entry.epoch === 1 ? "" : "s"} so far`,
  ];
}

/** What the loss of the link or the daemon means to whoever waits for a command. */
function explained(thrown: unknown, { remote, watch }: Reached): HoldfastError {
  const error = HoldfastError.from(thrown);
  if (remote.failure?.code === "daemon_lost") return remote.failure;
  if (error.code !== "link_lost" && error.code !== "not_connected") return error;
  const { name } = watch.entry;
  return new HoldfastError({
    code: "link_lost",
    message: `the connection ${name} was lost, and with it the command: ${causeOf(error).text}`,
    hint: "it may still run there, and nobody knows how it ended; look before you start it again",
    cause: error,
  });
}

/** What the other end said of it. */
function causeOf(error: HoldfastError): HoldfastError {
  return error.cause instanceof HoldfastError ? error.cause : error;
}
