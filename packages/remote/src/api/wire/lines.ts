// Bytes in, lines out. A line that is too long, or that is no text, is reported in its place, and what follows it is
// read as if it had not been: one bad line of an editor must not cost it the others.
import { HoldfastError } from "@holdfast/core";
import { badInput } from "./errors.ts";

export type CutLine = { readonly text: string } | { readonly failure: HoldfastError };

const NEWLINE = 0x0a;

export class LineCutter {
  readonly #most: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** The unfinished line: at most `most` bytes in all. */
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** The present line is too long: its bytes are counted no more, and thrown away. */
  #skipping = false;

  /** @param most bytes of a line, without its end. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that are complete now. Blank ones are left out. */
  *receive(chunk: Uint8Array): Generator<CutLine> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      yield* this.#take();
    }
    // The caller may reuse its buffer.
    this.#keep(chunk.slice(from));
  }

  /** Nothing comes any more: what is there is the last line. */
  *end(): Generator<CutLine> {
    yield* this.#take();
  }

  #keep(part: Uint8Array): void {
    if (this.#skipping || part.length === 0) return;
    this.#bytes += part.length;
    this.#parts.push(part);
    if (this.#bytes <= this.#most) return;
    this.#skipping = true;
    this.#parts = [];
  }

  *#take(): Generator<CutLine> {
    const line = Buffer.concat(this.#parts);
    const skipped = this.#skipping;
    this.#parts = [];
    this.#bytes = 0;
    this.#skipping = false;
    if (skipped) yield { failure: tooLong(this.#most) };
    else if (line.length > 0) yield* this.#decode(line);
  }

  *#decode(line: Uint8Array): Generator<CutLine> {
    let text;
    try {
      text = this.#decoder.decode(line);
    } catch {
      yield { failure: badInput("a line is not UTF-8") };
      return;
    }
    if (text.trim() !== "") yield { text };
  }
}

function tooLong(most: number): HoldfastError {
  const message = `a line is longer than ${most} bytes: it was skipped`;
  const hint = "write large files in pieces, with file_append";
  return new HoldfastError({ code: "line_too_long", message, hint, kind: "fatal", fault: "peer" });
}
