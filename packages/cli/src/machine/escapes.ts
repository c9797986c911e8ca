// What a person can say to the command itself in the middle of a shell: `~` and a key, after Enter. Pure: bytes in,
// bytes and keys out. A sequence that is pasted, or cut anywhere, means the same.

/** What the command was told to do. */
export type Escape = "end" | "reconnect" | "status" | "help";

export type Typed = Uint8Array | Escape;

const TILDE = 0x7e;
const KEYS: ReadonlyMap<number, Escape> = new Map([
  [0x2e, "end"],
  [0x72, "reconnect"],
  [0x73, "status"],
  [0x3f, "help"],
]);
const ENTERS: ReadonlySet<number> = new Set([0x0d, 0x0a]);

export const ESCAPE_HELP: readonly string[] = [
  "after Enter:",
  "  ~.  end this shell, and what runs in it",
  "  ~r  reconnect now",
  "  ~s  how the connection stands",
  "  ~~  a tilde",
  "  ~?  this help",
];

export class EscapeReader {
  /** The last byte was the end of a line, or there was none. */
  #atStart = true;
  /** The last byte was a tilde at the start of a line, which waits for its key. */
  #held = false;

  /** What was typed, taken apart. */
  read(chunk: Uint8Array): readonly Typed[] {
    const typed: Typed[] = [];
    let from = 0;
    for (const [at, byte] of chunk.entries()) {
      if (this.#held) {
        const escape = KEYS.get(byte);
        // Two tildes are one, and before any other key it was just a tilde.
        if (escape === undefined && byte !== TILDE) typed.push(Uint8Array.of(TILDE));
        if (escape !== undefined) typed.push(escape);
        from = escape === undefined ? at : at + 1;
        this.#atStart = escape !== undefined || ENTERS.has(byte);
        this.#held = false;
      } else if (byte === TILDE && this.#atStart) {
        if (at > from) typed.push(chunk.subarray(from, at));
        this.#held = true;
      } else {
        this.#atStart = ENTERS.has(byte);
      }
    }
    if (!this.#held && chunk.length > from) typed.push(chunk.subarray(from));
    return typed;
  }
}
