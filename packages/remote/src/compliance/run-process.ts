// Run a process on the machine and collect what it says.
import type { Machine } from "../plugin/machine.ts";
import type { ProcessEnd, ProcessRequest } from "../plugin/process.ts";
import { readAll, soon } from "./demands.ts";

export interface RunResult {
  readonly end: ProcessEnd;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run to the end, with this input. */
export async function runProcess(
  machine: Machine,
  request: ProcessRequest,
  input: string | Uint8Array = "",
): Promise<RunResult> {
  const process = await soon(machine.start(request), "the start of a process");
  // A process may end without reading; that is no failure of the case.
  process.stdin.on("error", () => undefined);
  process.stdin.end(input);
  const [stdout, stderr, end] = await Promise.all([
    readAll(process.stdout, "stdout"),
    readAll(process.stderr, "stderr"),
    soon(process.ended, "the end of a process"),
  ]);
  return { end, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** The standard output of a shell line that has to succeed. */
export async function runLine(machine: Machine, line: string): Promise<string> {
  const { end, stdout, stderr } = await runProcess(machine, { command: ["sh", "-c", line] });
  if (end.code !== 0) throw new Error(`${line}: ended with ${JSON.stringify(end)}: ${stderr}`);
  return stdout;
}
