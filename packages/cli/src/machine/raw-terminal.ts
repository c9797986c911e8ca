// This terminal, handed over to a program on another machine: every key goes there, every byte is shown as it comes.
// However the command ends, the terminal is put back.
import type { TerminalSize } from "@holdfast/remote";
import { showAsItComes } from "./stty.ts";

/** Where there is no terminal to measure. */
const USUAL_SIZE: TerminalSize = { rows: 24, columns: 80 };

/** Of the first of our streams that shows something. One that has no size yet is taken to be of the usual one. */
export function terminalSize(): TerminalSize {
  const shown = [process.stdout, process.stderr].find(({ isTTY }) => isTTY);
  const [columns = 0, rows = 0] = shown?.getWindowSize() ?? [];
  return rows > 0 && columns > 0 ? { rows, columns } : USUAL_SIZE;
}

/** Call back with each new size, until the returned function is called. */
export function onResize(resized: (size: TerminalSize) => void): () => void {
  const changed = (): void => resized(terminalSize());
  // After the streams, which measure themselves at the same signal.
  const later = (): void => void setImmediate(changed);
  process.on("SIGWINCH", later);
  return () => void process.off("SIGWINCH", later);
}

/** Hand over the terminal at stdin, now. Returns the function that puts it back, as often as it is called. */
export function enterRawMode(): () => void {
  const { stdin } = process;
  const enter = (): void => {
    stdin.setRawMode(true);
    showAsItComes();
  };
  const leave = (): void => {
    try {
      stdin.setRawMode(false);
    } catch {
      // It is gone, and nobody will see it again.
    }
  };
  // Whoever stops us from outside wants a terminal to work with; who lets us go on has put it into its own state.
  const stopped = (): void => {
    leave();
    process.kill(process.pid, "SIGSTOP");
  };
  const wentOn = (): void => {
    leave();
    enter();
  };
  const restore = (): void => {
    process.off("SIGTSTP", stopped).off("SIGCONT", wentOn).off("exit", restore);
    leave();
  };
  process.on("SIGTSTP", stopped).on("SIGCONT", wentOn).on("exit", restore);
  enter();
  return restore;
}
