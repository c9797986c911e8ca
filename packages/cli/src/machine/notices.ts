// What the command says about the connection while a program of another machine has the terminal: `[holdfast] …` on
// stderr, one line for each change; on a terminal in raw mode the line is written again in its place.
import type { Output } from "../terminal/output.ts";

const REWRITE = "\r\u001B[K";
const NEXT_LINE = "\r\n";

export class Notices {
  /** The terminal shows bytes as they come, so that a line needs its carriage return. */
  raw = false;
  readonly #output: Output;
  /** The cursor stands behind a line that may be written again. */
  #open = false;
  #last = "";

  constructor(output: Output) {
    this.#output = output;
  }

  /** Something that lasts until the next line. `aside` changes more often than it is worth a line of its own. */
  lasting(text: string, aside = ""): void {
    if (this.#inPlace) {
      this.#output.partial(`${this.#open ? REWRITE : NEXT_LINE}[holdfast] ${text}${aside}`);
      this.#open = true;
    } else if (text !== this.#last) {
      this.#output.status(`[holdfast] ${text}`);
    }
    this.#last = text;
  }

  say(text: string): void {
    this.#last = "";
    if (!this.#inPlace) return this.#output.status(`[holdfast] ${text}`);
    this.#output.partial(`${this.#open ? REWRITE : NEXT_LINE}[holdfast] ${text}${NEXT_LINE}`);
    this.#open = false;
  }

  bell(): void {
    if (this.#inPlace) this.#output.partial("\u0007");
  }

  /** The program writes again, or is over: what stands there stays. */
  leave(): void {
    if (this.#open) this.#output.partial(NEXT_LINE);
    this.#open = false;
  }

  get #inPlace(): boolean {
    return this.raw && process.stderr.isTTY;
  }
}
