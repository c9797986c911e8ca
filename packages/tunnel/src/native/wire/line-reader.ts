// Bytes into lines. It keeps one piece and the beginning of one line, however much comes.
import { HoldfastError } from "@holdfast/core";

const NEWLINE = 0x0a;
const NOTHING = new Uint8Array(0);

export class LineReader {
  readonly #maxBytes: number;
  /** The beginning of a line whose end has not come. */
  #begun: Uint8Array = NOTHING;
  /** What follows it, not looked at yet. */
  #piece: Uint8Array = NOTHING;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** More came. Only when `next` has nothing more. The bytes are copied: they may be read over at any time. */
  feed(piece: Uint8Array): void {
    this.#piece = Buffer.from(piece);
  }

  /** The next whole line, without its end. @throws HoldfastError `line_too_long`. */
  next(): string | undefined {
    const end = this.#piece.indexOf(NEWLINE);
    const length = this.#begun.length + (end < 0 ? this.#piece.length : end);
    if (length > this.#maxBytes) throw tooLong(this.#maxBytes);
    if (end < 0) {
      this.#begun = Buffer.concat([this.#begun, this.#piece]);
      this.#piece = NOTHING;
      return undefined;
    }
    const line = Buffer.concat([this.#begun, this.#piece.subarray(0, end)]).toString("utf8");
    this.#begun = NOTHING;
    this.#piece = this.#piece.subarray(end + 1);
    return line;
  }
}

function tooLong(bytes: number): HoldfastError {
  return new HoldfastError({
    code: "line_too_long",
    message: `a line of more than ${bytes} bytes on the control stream`,
    fault: "peer",
  });
}
