// A few lines at the bottom of a terminal that are drawn again in place. Nothing is drawn elsewhere.
import type { Stream } from "./output.ts";

export interface Screen extends Stream {
  readonly columns?: number;
  readonly rows?: number;
}

export class LiveView {
  readonly #screen: Screen;
  #drawn = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
    screen.write("\u001B[?25l");
  }

  // A terminal that does not know its size says 0.
  /** Put these lines where the last ones were. Each is cut to the width, so that none wraps. */
  draw(lines: readonly string[]): void {
    const height = Math.max(1, (this.#screen.rows || 24) - 1);
    const shown = lines.slice(0, height).map((line) => cut(line, this.#screen.columns || 80));
    this.#screen.write(`${this.#back()}${shown.map((line) => `${line}\u001B[K\n`).join("")}`);
    this.#drawn = shown.length;
  }

  /** A line that stays, above the ones that change. */
  log(line: string): void {
    this.#screen.write(`${this.#back()}${line}\n`);
    this.#drawn = 0;
  }

  /** Leave what is drawn, and give the cursor back. */
  close(): void {
    this.#screen.write("\u001B[?25h");
  }

  #back(): string {
    return this.#drawn === 0 ? "\r\u001B[J" : `\u001B[${this.#drawn}A\r\u001B[J`;
  }
}

/** Escape sequences of colours take no room. */
function cut(line: string, columns: number): string {
  const escape = "\u001B[";
  let room = columns;
  const [first = "", ...pieces] = line.split(escape);
  let kept = first.slice(0, room);
  room -= kept.length;
  for (const piece of pieces) {
    const end = piece.indexOf("m") + 1;
    const text = piece.slice(end, end + room);
    room -= text.length;
    kept += `${escape}${piece.slice(0, end)}${text}`;
  }
  return kept;
}
