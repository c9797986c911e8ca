// The command line of one subcommand, taken apart by commander: positional arguments, and the text of each flag.
import { Command as Parser, CommanderError, Option as ParserOption } from "commander";
import { usageError } from "../usage.ts";
import { REPEAT, type OptionSet } from "./option.ts";

export interface Parsed {
  readonly args: readonly string[];
  readonly flags: ReadonlyMap<string, string | true>;
}

/** @throws HoldfastError `usage`, with a guess at what was meant. */
export function parseArguments(usage: string, options: OptionSet, argv: readonly string[]): Parsed {
  const parser = new Parser()
    .exitOverride()
    .helpOption(false)
    .configureOutput({ writeErr: () => undefined });
  for (const argument of usage.split(" ")) if (argument !== "") parser.argument(argument);
  const flags = new Map<string, string | true>();
  for (const option of Object.values(options)) {
    for (const name of [option.name, option.alias]) {
      if (name === undefined) continue;
      const short = option.short === undefined || name === option.alias ? "" : `-${option.short}, `;
      const spec = new ParserOption(
        `${short}--${name}${option.value === undefined ? "" : ` ${option.value}`}`,
      );
      parser.addOption(spec);
      parser.on(`option:${spec.name()}`, (text: string | null | undefined) => {
        const before = option.repeatable === true ? flags.get(option.name) : undefined;
        const value = option.value === undefined ? true : (text ?? "");
        flags.set(option.name, before === undefined ? value : `${before}${REPEAT}${value}`);
      });
    }
  }
  try {
    parser.parse([...argv], { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.code === "commander.excessArguments") {
      const extra = parser.args[parser.registeredArguments.length];
      throw usageError(`too many arguments: ${JSON.stringify(extra)} is one too many`);
    }
    if (thrown instanceof CommanderError) throw asUsage(thrown);
    throw thrown;
  }
  return { args: parser.args, flags };
}

function asUsage(error: CommanderError): Error {
  const [message = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const guess = /Did you mean (.*)\?/s.exec(rest.join(" "))?.[1];
  return usageError(message, guess === undefined ? undefined : `did you mean ${guess}?`);
}
