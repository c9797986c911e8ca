// Which of a terminal's modes the far side has switched on. A full-screen program that is cut off cannot switch them off
// again, and would leave its terminal with a hidden cursor, or reporting the mouse.

/** Private modes that make a terminal strange to use, by their DEC numbers. Others are harmless. */
const MODES: ReadonlyMap<string, "set" | "reset"> = new Map([
  // Application cursor keys.
  ["1", "set"],
  // The cursor can be seen: the one that is on by itself.
  ["25", "reset"],
  // The mouse: clicks, drags, all moves, and how they are told.
  ["9", "set"],
  ["1000", "set"],
  ["1002", "set"],
  ["1003", "set"],
  ["1005", "set"],
  ["1006", "set"],
  ["1015", "set"],
  // Reports of the focus.
  ["1004", "set"],
  // The alternate screen.
  ["47", "set"],
  ["1047", "set"],
  ["1049", "set"],
  // Pasted text in brackets.
  ["2004", "set"],
]);
const ESC = "\u001B";
/** `ESC [ ? 1 ; 25 h`. */
const SWITCH = new RegExp(`${ESC}\\[\\?([0-9;]{1,64})([hl])`, "g");
/** The beginning of one, at the end of a piece. */
const UNFINISHED = new RegExp(`${ESC}(?:\\[(?:\\?[0-9;]{0,64})?)?$`);

export class ScreenModes {
  /** At most those of `MODES`. */
  readonly #strange = new Set<string>();
  /** The end of the last piece, if it may be the beginning of a switch: at most 68 characters. */
  #rest = "";

  /** The far side has written this. */
  see(chunk: Uint8Array): void {
    if (this.#rest === "" && !chunk.includes(0x1b)) return;
    const text =
      this.#rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    for (const [, numbers = "", way] of text.matchAll(SWITCH)) {
      for (const number of numbers.split(";")) this.#switched(number, way === "h" ? "set" : "reset");
    }
    this.#rest = UNFINISHED.exec(text)?.[0] ?? "";
  }

  /** What puts the terminal back; empty if nothing needs it. */
  undo(): string {
    const switches = [...this.#strange].map(
      (number) => `${ESC}[?${number}${MODES.get(number) === "set" ? "l" : "h"}`,
    );
    this.#strange.clear();
    return switches.length === 0 ? "" : `${switches.join("")}${ESC}[0m`;
  }

  #switched(number: string, way: "set" | "reset"): void {
    const strange = MODES.get(number);
    if (strange === way) this.#strange.add(number);
    else if (strange !== undefined) this.#strange.delete(number);
  }
}
