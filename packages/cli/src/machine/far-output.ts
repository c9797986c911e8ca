// Where the output of a process on another machine goes: to our own streams as it is, or as objects.
import type { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { Process } from "@holdfast/remote";
import type { Output } from "../terminal/output.ts";
import { ByteSink } from "./byte-sink.ts";
import { ScreenModes } from "./screen-modes.ts";

export interface FarOutput {
  /** Settles when all that came is with the system. Never rejects: see `failure` and `lost`. */
  readonly done: Promise<void>;
  /** Our own stream takes no more. */
  readonly failure: HoldfastError | undefined;
  /** What came is not all that the process said. */
  readonly lost: HoldfastError | undefined;
  /** The program was cut off: put the terminal back into a state that a person can use. */
  restore(): Promise<void>;
}

export interface FarOutputOptions {
  readonly process: Pick<Process, "stdout" | "stderr">;
  readonly output: Output;
  /** Something was written. */
  readonly onBytes: () => void;
  /** Nobody reads stdout any more, or it takes nothing more. */
  readonly onBroken: () => void;
}

export function showOutput({ process: far, output, onBytes, onBroken }: FarOutputOptions): FarOutput {
  const modes = new ScreenModes();
  const sinks = { stdout: new ByteSink(process.stdout), stderr: new ByteSink(process.stderr) };
  const write = async (way: "stdout" | "stderr", bytes: Uint8Array): Promise<boolean> => {
    onBytes();
    if (output.json) {
      output.line({ type: `proc_${way}`, id: 1, data: [...bytes] });
      await sinks.stdout.room();
      return !sinks.stdout.readerIsGone;
    }
    modes.see(bytes);
    return sinks[way].write(bytes);
  };
  let lost: HoldfastError | undefined;
  const show = async (way: "stdout" | "stderr"): Promise<void> => {
    const source: Readable = far[way];
    try {
      for await (const piece of source) {
        if (await write(way, piece as Uint8Array)) continue;
        // Read no more: the process is told, as it would be of a pipe on its own machine.
        if (way === "stdout" || output.json) onBroken();
        break;
      }
    } catch (thrown) {
      lost ??= HoldfastError.from(thrown);
    }
    await sinks[output.json ? "stdout" : way].flushed();
  };
  const done = Promise.all([show("stdout"), show("stderr")]).then(() => undefined);
  return {
    done,
    get failure() {
      return sinks.stdout.failure;
    },
    get lost() {
      return lost;
    },
    async restore() {
      const undo = modes.undo();
      if (undo !== "" && process.stdout.isTTY) await sinks.stdout.write(undo);
    },
  };
}
