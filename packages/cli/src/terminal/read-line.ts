// One line from the person at the terminal, wherever stdin and stdout lead: as a password, it is not shown while it is
// typed. The terminal is as it was on every way out.
import { closeSync, openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";

const TERMINAL = "/dev/tty";
const MOST_CHARACTERS = 4_096;
const [INTERRUPT, END, BACKSPACE, DELETE, KILL_LINE, KILL_WORD, SUSPEND] = [
  "\u0003",
  "\u0004",
  "\b",
  "\u007f",
  "\u0015",
  "\u0017",
  "\u001a",
];

export function hasTerminal(): boolean {
  try {
    closeSync(openSync(TERMINAL, "r+"));
    return true;
  } catch {
    return false;
  }
}

/** The line, or undefined if the person ends it (Ctrl-D), interrupts it (Ctrl-C, which is a SIGINT too), or is gone. */
export async function readLine(
  prompt: string,
  { echo }: { readonly echo: boolean },
): Promise<string | undefined> {
  let fd: number;
  try {
    fd = openSync(TERMINAL, "r+");
  } catch {
    return undefined;
  }
  const terminal = new ReadStream(fd);
  const restore = (): void => void terminal.setRawMode(false);
  process.once("exit", restore);
  try {
    terminal.setRawMode(true);
    writeSync(fd, prompt);
    const line = await new Promise<string | undefined>((resolve) => {
      const typed = new TypedLine((text) => echo && writeSync(fd, text), resolve);
      terminal.setEncoding("utf8").on("data", (text: string) => typed.take(text));
      terminal.on("error", () => resolve(undefined)).on("end", () => resolve(undefined));
    });
    writeSync(fd, "\r\n");
    return line;
  } catch {
    // A terminal that is gone in the middle of it.
    return undefined;
  } finally {
    process.off("exit", restore);
    restore();
    terminal.destroy();
  }
}

/** What was typed so far, with the keys that a terminal would have seen to by itself. */
class TypedLine {
  readonly #echo: (text: string) => unknown;
  readonly #done: (line: string | undefined) => void;
  /** At most `MOST_CHARACTERS`. */
  #characters: string[] = [];

  constructor(echo: (text: string) => unknown, done: (line: string | undefined) => void) {
    this.#echo = echo;
    this.#done = done;
  }

  take(text: string): void {
    for (const character of text) this.#key(character);
  }

  #key(key: string): void {
    switch (key) {
      case "\r":
      case "\n":
        return this.#done(this.#characters.join(""));
      case INTERRUPT:
        // At once, so that whoever asked knows of it before there is no answer.
        if (!process.emit("SIGINT", "SIGINT")) process.kill(process.pid, "SIGINT");
        return this.#done(undefined);
      case END:
        if (this.#characters.length === 0) this.#done(undefined);
        return;
      case BACKSPACE:
      case DELETE:
        return this.#drop(1);
      case KILL_LINE:
        return this.#drop(this.#characters.length);
      case KILL_WORD:
        return this.#drop(this.#characters.length - this.#lastWord());
      case SUSPEND:
        return;
      default:
        if (key < " " || this.#characters.length >= MOST_CHARACTERS) return;
        this.#characters.push(key);
        this.#echo(key);
    }
  }

  #drop(count: number): void {
    const dropped = this.#characters.splice(Math.max(0, this.#characters.length - count), count);
    this.#echo("\b \b".repeat(dropped.length));
  }

  #lastWord(): number {
    return this.#characters.join("").trimEnd().lastIndexOf(" ") + 1;
  }
}
