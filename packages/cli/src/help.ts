// Help as text, made from the same descriptions that are parsed.
import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { environmentName, type Option } from "./options/option.ts";
import { formatTable } from "./terminal/format.ts";
import { usageLine } from "./usage.ts";

/** `holdfast --help`. */
export function helpForAll(): string {
  const groups = [...new Set(commands.map((command) => command.group))];
  const sections = groups.map((group) => {
    const rows = commands
      .filter((command) => command.group === group)
      .map(({ name, summary }) => [`  ${name}`, summary]);
    return [`${group}:`, ...formatTable(rows)].join("\n");
  });
  return [
    "holdfast: connections that come back",
    "",
    "Usage: holdfast COMMAND [options]",
    "",
    sections.join("\n\n"),
    "",
    "`holdfast COMMAND --help` says more, with examples. `holdfast demo` shows what it is about.",
  ].join("\n");
}

/** `holdfast COMMAND --help`. */
export function helpForCommand(command: Command): string {
  const options = Object.values(command.options);
  const groups = [...new Set(options.map((option) => option.group))];
  const sections = groups.map((group) => {
    const rows = options.filter((option) => option.group === group).map(optionRow);
    return [`${group}:`, ...formatTable(rows)].join("\n");
  });
  const examples = command.examples.map(({ line, does }) => `  ${line}\n      ${does}`);
  return [
    `Usage: ${usageLine(command)}`,
    "",
    command.description,
    "",
    sections.join("\n\n"),
    "",
    "Every option is also an environment variable, such as " +
      `${environmentName(options[0]!)}, and a key of config.toml.`,
    "",
    "Examples:",
    ...examples,
  ].join("\n");
}

function optionRow(option: Option<unknown>): [string, string] {
  const fallback = option.shownDefault === undefined ? "" : ` (${option.shownDefault})`;
  return [`  ${flagText(option)}`, `${option.description}${fallback}`];
}

/** `-q, --quiet`, `--relay, --to <url>`. */
export function flagText(option: Option<unknown>): string {
  const names = [
    ...(option.short === undefined ? [] : [`-${option.short}`]),
    `--${option.name}`,
    ...(option.alias === undefined ? [] : [`--${option.alias}`]),
  ];
  return `${names.join(", ")}${option.value === undefined ? "" : ` ${option.value}`}`;
}
