// What runs in front of a process: a few lines of sh that look for the program, change the folder, size the terminal
// and say their process id, which becomes the program's by `exec`. An engine tells none of this, and signals nobody.
import { HoldfastError } from "@holdfast/core";
import type { ProcessRequest } from "../../plugin/process.ts";
import { quoted } from "../../plugin/peer-text.ts";

/** The first line of stdout is `holdfast PID`, or `holdfast` and what is wrong. */
const WRAPPER = `
set -f
say() { printf 'holdfast %s\\n' "$1"; }
if [ -n "$1" ]; then
  if [ ! -e "$1" ]; then say no_directory; exit 127; fi
  if [ ! -d "$1" ]; then say not_a_directory; exit 127; fi
  cd "$1" 2>/dev/null || { say directory_denied; exit 127; }
fi
[ "$2" = 0 ] || stty rows "$2" cols "$3" 2>/dev/null
shift 3
found=no_program
look() { if [ -f "$1" ]; then if [ -x "$1" ]; then found=yes; else found=program_denied; fi; fi; }
case $1 in
  */*) [ -d "$1" ] && found=program_denied; look "$1" ;;
  *) IFS=:
     for folder in $PATH; do look "\${folder:-.}/$1"; [ $found = yes ] && break; done
     unset IFS ;;
esac
if [ $found != yes ]; then say $found; exit 127; fi
say $$
exec "$@"
`;

const PROBLEMS: Readonly<Record<string, readonly [code: string, text: string]>> = {
  no_directory: ["not_found", "the directory to start in does not exist"],
  not_a_directory: ["not_a_directory", "the directory to start in is none"],
  directory_denied: ["permission_denied", "the directory to start in may not be entered"],
  no_program: ["not_found", "the program was not found"],
  program_denied: ["permission_denied", "the program may not be run"],
};
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const TERMINAL_TYPE = "xterm-256color";

/** The longest first line that can be one. */
export const MOST_HEADER_BYTES = 256;

/** The program and its arguments; a line goes to the user's shell. */
export function programOf(command: ProcessRequest["command"], shell: string): readonly string[] {
  if (command === undefined) return [shell, "-l"];
  return typeof command === "string" ? [shell, "-c", command] : command;
}

export function wrapped(request: ProcessRequest, program: readonly string[]): readonly string[] {
  const { rows, columns } = request.terminal ?? { rows: 0, columns: 0 };
  const directory = request.directory ?? "";
  // `cd` would take a name that begins with `-` for an option, and one without a slash for one of CDPATH.
  const folder = directory === "" || directory.startsWith("/") ? directory : `./${directory}`;
  return ["sh", "-c", WRAPPER, "holdfast", folder, String(rows), String(columns), ...program];
}

/** @throws HoldfastError `bad_environment` (fatal). */
export function environmentOf({ environment = {}, terminal }: ProcessRequest): readonly string[] {
  const wrong = Object.keys(environment).find((name) => !ENVIRONMENT_NAME.test(name));
  if (wrong !== undefined) {
    const message = `${quoted(wrong)} is no name of a variable: letters, digits and _`;
    throw new HoldfastError({ code: "bad_environment", message, kind: "fatal", fault: "local" });
  }
  const type = terminal === undefined ? {} : { TERM: terminal.type ?? TERMINAL_TYPE };
  return Object.entries({ ...type, ...environment }).map(([name, value]) => `${name}=${value}`);
}

/**
 * The process id that the first line tells.
 * @throws HoldfastError `not_found`, `permission_denied`, `not_a_directory`, `bad_answer` (fatal).
 */
export function processIdOf(line: string, request: ProcessRequest): number {
  const [, word = ""] = /^holdfast (\w+)\r?$/.exec(line) ?? [];
  if (/^\d{1,10}$/.test(word)) return Number(word);
  const [code, text] = PROBLEMS[word] ?? ["bad_answer", "the container's sh gave no answer"];
  const { command, directory } = request;
  const about = word.includes("directory")
    ? directory
    : typeof command === "object"
      ? command[0]
      : "the shell";
  const message = `${text}: ${quoted(about ?? "")}`;
  throw new HoldfastError({ code, message, kind: "fatal", fault: "peer" });
}
