// JSON lines in both directions: bytes in, parsed values out, with a limit on what is kept of an unfinished line.
import { HoldfastError } from "@holdfast/core";

/** Default limit of a line, in bytes. */
export const MAX_LINE_BYTES = 1_048_576;

const NEWLINE = 0x0a;

export type DecodedLine = { readonly value: unknown } | { readonly error: HoldfastError };

/** Cuts bytes into lines and lines into values. Not usable after it has thrown `line_too_long`. */
export class JsonLineDecoder {
  readonly #maxLineBytes: number;
  readonly #text = new TextDecoder("utf-8", { fatal: true });
  /** The unfinished line: at most `maxLineBytes` in all. */
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * Every line that is complete now: its value, or a HoldfastError `bad_json` in its place. Blank lines are skipped.
   * @throws HoldfastError `line_too_long`.
   */
  *receive(chunk: Uint8Array): Generator<DecodedLine> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      const line = this.#take();
      if (line.length > 0) yield this.#parse(line);
    }
    // The caller may reuse its buffer.
    this.#keep(chunk.slice(from));
  }

  #keep(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#maxLineBytes) {
      throw new HoldfastError({
        code: "line_too_long",
        message: `a line is longer than ${this.#maxLineBytes} bytes`,
        kind: "fatal",
        fault: "peer",
      });
    }
    if (part.length > 0) this.#parts.push(part);
  }

  #take(): Uint8Array {
    const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  }

  #parse(line: Uint8Array): DecodedLine {
    try {
      return { value: JSON.parse(this.#text.decode(line)) };
    } catch (cause) {
      const message = "a line is not JSON in UTF-8";
      return { error: new HoldfastError({ code: "bad_json", message, kind: "fatal", fault: "peer", cause }) };
    }
  }
}

/** One object as one line. */
export function encodeLine(message: { readonly type: string }): string {
  return `${JSON.stringify(message)}\n`;
}
