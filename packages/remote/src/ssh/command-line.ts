// What is sent as the command of an ssh channel. The login shell reads it; it hands over to `sh`, which says its
// process id (so that the process can be signalled: not every sshd passes signals on) and becomes the program.
import type { ProcessRequest } from "../plugin/process.ts";
import { assignments, plainPath, quote } from "./quote.ts";

/** A line that announces the process id stands before the output; without one the request is a plain login shell. */
export function commandLine(
  { command, directory, terminal }: ProcessRequest,
  environment: Readonly<Record<string, string>>,
  token: string,
): string | undefined {
  const variables = assignments(environment);
  if (command === undefined && directory === undefined && variables.length === 0) return undefined;
  const announce = `printf '%s %s\\n' ${token} "$$"`;
  const words = programWords(command, terminal !== undefined);
  const start = `exec sh -c ${quote(`${announce}; exec "$@"`)} sh env ${[...variables, ...words].join(" ")}`;
  return directory === undefined ? start : `cd ${quote(plainPath(directory))} && ${start}`;
}

function programWords(command: ProcessRequest["command"], terminal: boolean): readonly string[] {
  // `"$SHELL"` is read by the login shell itself: sshd always sets it.
  if (command === undefined) return terminal ? ['"$SHELL"', "-l", "-i"] : ['"$SHELL"', "-l"];
  if (typeof command === "string") return ['"$SHELL"', "-c", quote(command)];
  const words = command.map(quote);
  // `env` would take these for an assignment or an option.
  const [program] = command;
  if (program.includes("=") || program.startsWith("-")) return ["sh", "-c", quote('"$0" "$@"'), ...words];
  return words;
}
