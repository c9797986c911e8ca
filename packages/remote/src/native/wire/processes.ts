// How a process is asked for, and how its end is told.
import { HoldfastError } from "@holdfast/core";
import type { ProcessEnd, ProcessRequest, Terminal, TerminalSize } from "../../plugin/process.ts";
import { checkPath, encodeJson, Fields, wrong } from "./fields.ts";

/** Program and arguments together, each with its end, in bytes. */
const MAX_ARGUMENT_BYTES = 131_072;
/** Names and values together, each with its end, in bytes. */
const MAX_ENVIRONMENT_BYTES = 65_536;
const MAX_DIMENSION = 65_535;
const MAX_TERM_BYTES = 128;
const SIGNAL = /^[A-Z0-9+-]{1,32}$/;

/** @throws HoldfastError `too_long` (fatal), `bad_path`. */
export function encodeProcess(request: ProcessRequest): Uint8Array {
  const { command, directory, environment, terminal } = checkProcess(request);
  return encodeJson({ command: command ?? null, directory, environment, terminal });
}

/** @throws HoldfastError `bad_record`, `too_long`, `bad_path`. */
export function decodeProcess(payload: Uint8Array): ProcessRequest {
  const fields = Fields.parse(payload);
  return checkProcess({
    command: commandOf(fields.get("command")),
    ...(fields.has("directory") && { directory: fields.path("directory") }),
    ...(fields.has("environment") && { environment: environmentOf(fields.get("environment")) }),
    ...(fields.has("terminal") && { terminal: terminalOf(new Fields(fields.get("terminal"))) }),
  });
}

export function decodeSize(payload: Uint8Array): TerminalSize {
  return sizeOf(Fields.parse(payload));
}

/** @throws HoldfastError `bad_record`. */
export function decodeEnd(payload: Uint8Array): ProcessEnd {
  const fields = Fields.parse(payload);
  if (!fields.has("signal")) return { code: fields.whole("code", 0, 0xffff_ffff) };
  const signal = fields.text("signal", 32);
  if (!SIGNAL.test(signal)) throw wrong("signal", "the name of a signal");
  return { signal };
}

function checkProcess(request: ProcessRequest): ProcessRequest {
  const { command, directory, environment = {} } = request;
  const words = command === undefined ? [] : typeof command === "string" ? [command] : command;
  checkLength("the arguments", words, MAX_ARGUMENT_BYTES);
  checkLength("the environment", Object.entries(environment).flat(), MAX_ENVIRONMENT_BYTES);
  if (directory !== undefined) checkPath(directory);
  return request;
}

function checkLength(what: string, words: readonly string[], most: number): void {
  let bytes = 0;
  for (const word of words) bytes += Buffer.byteLength(word) + 1;
  if (bytes <= most) return;
  const message = `${what} of the process are ${bytes} bytes long, more than ${most}`;
  const hint = "put them into a file on the machine, or on the stdin of the process";
  throw new HoldfastError({ code: "too_long", message, hint, kind: "fatal", fault: "local" });
}

function commandOf(value: unknown): ProcessRequest["command"] {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || !value.every((word) => typeof word === "string")) {
    throw wrong("command", "a text, or texts");
  }
  const [program, ...args] = value as string[];
  if (program === undefined) throw wrong("command", "a program with its arguments");
  return [program, ...args];
}

function environmentOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong("environment", "an object");
  const entries = Object.entries(value);
  if (!entries.every(([, text]) => typeof text === "string"))
    throw wrong("environment", "an object of texts");
  return Object.fromEntries(entries) as Record<string, string>;
}

function terminalOf(fields: Fields): Terminal {
  const size = sizeOf(fields);
  return fields.has("type") ? { ...size, type: fields.text("type", MAX_TERM_BYTES) } : size;
}

function sizeOf(fields: Fields): TerminalSize {
  return { rows: fields.whole("rows", 1, MAX_DIMENSION), columns: fields.whole("columns", 1, MAX_DIMENSION) };
}
