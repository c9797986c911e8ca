// The flags of the commands that use a machine.
import { flag, optional, repeatable, withDefault, type Values } from "../options/option.ts";
import { parseDuration, parseText } from "../options/values.ts";

export const waitOption = {
  wait: withDefault(
    {
      name: "wait",
      value: "<time>",
      description: "how long to wait for a connection that is away",
      shownDefault: "30s",
    },
    parseDuration,
  ),
} as const;

export const processOptions = {
  directory: optional(
    { name: "directory", value: "<dir>", description: "where it starts (the home directory)" },
    parseText,
  ),
  env: repeatable(
    { name: "env", value: "<K=V>", description: "a variable of its environment; may be given again" },
    parseVariable,
  ),
  tty: flag({ name: "tty", short: "t", description: "give it a terminal" }),
  noStdin: flag({ name: "no-stdin", short: "n", description: "give it no input: do not read stdin" }),
  ...waitOption,
} as const;

export const lineOption = {
  line: optional(
    { name: "line", short: "c", value: "<line>", description: "a line for the shell there, instead of CMD" },
    parseText,
  ),
} as const;

type Variable = readonly [name: string, value: string];

function parseVariable(text: string): Variable {
  const at = text.indexOf("=");
  if (at < 1) throw new RangeError("NAME=VALUE");
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Where and with what a process starts. */
export function placeOf({ directory, env }: Pick<Values<typeof processOptions>, "directory" | "env">): {
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
} {
  return {
    ...(directory !== undefined && { directory }),
    ...(env.length > 0 && { environment: Object.fromEntries(env) }),
  };
}
