// What the command says about the connection while a program of another machine has the terminal: `[holdfast] …` on
// stderr, one line for each change; on a terminal in raw mode the line is written again in its place.
import type { Output } from "../terminal/output.ts";

/** What has to come before a line, by where the cursor stands. */
const BEFORE = {
  /** Somewhere in what the program shows. */
  program: "\r\n",
  /** At the start of a line. */
  start: "",
  /** Behind a line that may be written again. */
  lasting: "\r\u001B[K",
} as const;

export class Notices {
  /** The terminal shows bytes as they come, so that a line needs its carriage return. */
  raw = false;
  readonly #output: Output;
  #cursor: keyof typeof BEFORE = "program";
  /** What the last line was about. */
  #last = "";

  constructor(output: Output) {
    this.#output = output;
  }

  /** Something that lasts until the next line. Where nothing can be written again, a `matter` has one line. */
  lasting(text: string, matter: string): void {
    if (this.#inPlace) this.#put(text, "lasting");
    else if (matter !== this.#last) this.#output.status(`[holdfast] ${text}`);
    this.#last = matter;
  }

  say(text: string): void {
    this.#last = "";
    if (this.#inPlace) this.#put(`${text}\r\n`, "start");
    else this.#output.status(`[holdfast] ${text}`);
  }

  bell(): void {
    if (this.#inPlace) this.#output.partial("\u0007");
  }

  /** The program writes again, or is over: what stands there stays. */
  leave(): void {
    if (this.#cursor === "lasting") this.#output.partial("\r\n");
    this.#cursor = "program";
  }

  get #inPlace(): boolean {
    return this.raw && process.stderr.isTTY;
  }

  #put(text: string, cursor: keyof typeof BEFORE): void {
    this.#output.partial(`${BEFORE[this.#cursor]}[holdfast] ${text}`);
    this.#cursor = cursor;
  }
}
