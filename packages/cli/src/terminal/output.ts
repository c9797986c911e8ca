// Where output goes: data to stdout, status to stderr; with `--json` every line of stdout is an object, `hello`
// first. A reader that goes away, or a terminal that is gone, never ends the process by itself.
import { errorLine, type Hello, type OutputLine } from "@holdfast/control";
import type { HoldfastError } from "@holdfast/core";
import pico from "picocolors";
import { escapeText } from "./escape.ts";
import { plural } from "./format.ts";

export interface Stream {
  readonly isTTY?: boolean;
  /** Bytes that the stream holds because nobody reads them. */
  readonly writableLength?: number;
  write(text: string): boolean;
  on(event: "error" | "drain", listener: () => void): unknown;
}

/** What may wait for a reader; lines beyond it are counted instead of kept. */
const MAX_QUEUED_BYTES = 1_048_576;

export interface OutputOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  readonly hello: Hello;
}

type Style = "bold" | "dim" | "red" | "green" | "yellow";
export class Output {
  readonly json: boolean;
  readonly verbose: boolean;
  /** Settles when nobody reads stdout any more. */
  readonly broken: Promise<void>;
  readonly #options: OutputOptions;
  readonly #colors: ReturnType<typeof pico.createColors>;
  #saidHello = false;
  #missed = 0;

  constructor(options: OutputOptions) {
    this.json = options.json;
    this.verbose = options.verbose;
    this.#options = options;
    this.#colors = pico.createColors(options.color);
    this.broken = new Promise((resolve) => options.stdout.on("error", () => resolve()));
    options.stdout.on("drain", () => this.#caughtUp());
    // EIO of a terminal that is gone, EPIPE of a closed log.
    options.stderr.on("error", () => undefined);
  }

  /** stdout is a terminal that a person may be watching. */
  get isInteractive(): boolean {
    return !this.json && this.#options.stdout.isTTY === true;
  }

  get color(): boolean {
    return this.#options.color;
  }

  /** A line of data: text, and what stands for it with `--json`. */
  data(text: string, line: OutputLine): void {
    if (this.json) this.line(line);
    else this.text(text);
  }

  /** An object, with `--json` only. */
  line(line: OutputLine): void {
    if (!this.json) return;
    if (!this.#saidHello && line.type !== "hello") this.#write(`${JSON.stringify(this.#options.hello)}\n`);
    this.#saidHello = true;
    this.#write(`${JSON.stringify(line)}\n`);
  }

  hello(): void {
    if (!this.#saidHello) this.line(this.#options.hello);
  }

  /** Text on stdout, without `--json` only. */
  text(text: string): void {
    if (!this.json) this.#write(`${text}\n`);
  }

  /** A line of status. */
  status(text: string): void {
    this.partial(`${text}\n`);
  }

  /** Status without a line's end: for a terminal in raw mode, and for a line that is written again in its place. */
  partial(text: string): void {
    const { quiet, stderr } = this.#options;
    if (!quiet && (stderr.writableLength ?? 0) <= MAX_QUEUED_BYTES) stderr.write(text);
  }

  /** A line of status for those who asked for more. */
  detail(text: string): void {
    if (this.verbose) this.status(text);
  }

  warn(text: string, hint?: string): void {
    this.status(`${this.style("warning:", "yellow")} ${text}${hint === undefined ? "" : `\n  ${hint}`}`);
  }

  error(error: HoldfastError): void {
    this.line(errorLine(error));
    const { stderr } = this.#options;
    stderr.write(`${this.style("error:", "red")} ${escapeText(error.text)}\n`);
    if (error.hint !== undefined) stderr.write(`  ${escapeText(error.hint)}\n`);
    if (this.verbose) for (const line of stackOf(error)) stderr.write(`  ${escapeText(line)}\n`);
  }

  style(text: string, style: Style): string {
    return this.#colors[style](text);
  }

  #write(text: string): void {
    const { stdout } = this.#options;
    if (this.#missed > 0 || (stdout.writableLength ?? 0) > MAX_QUEUED_BYTES) this.#missed++;
    else stdout.write(text);
  }

  #caughtUp(): void {
    if (this.#missed === 0) return;
    const count = this.#missed;
    this.#missed = 0;
    this.data(`(${plural(count, "line")} missed)`, { type: "missed", count });
  }
}

function stackOf(error: Error): string[] {
  const lines: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    lines.push(...(cause.stack ?? cause.message).split("\n"));
  }
  return lines;
}
