// `holdfast completion`: scripts for the shell, made from the same descriptions as help.
import { defineCommand, type Command, type Context } from "../command.ts";
import { commands } from "../commands.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { didYouMean, usageError } from "../usage.ts";

export const completion = defineCommand({
  name: "completion",
  summary: "completion for bash, zsh or fish",
  description: "Prints a script for the shell. Names of what runs are completed too.",
  usage: "<shell>",
  options: outputOptions,
  examples: [
    { line: "holdfast completion bash", does: 'put `eval "$(holdfast completion bash)"` into ~/.bashrc' },
    { line: "holdfast completion fish", does: "save it as ~/.config/fish/completions/holdfast.fish" },
  ],
  run,
});

const SHELLS: Readonly<Record<string, (all: readonly Command[]) => string>> = { bash, zsh, fish };
const NAMED = ["status", "wait", "reconnect", "disconnect", "authenticate", "forward", "exec", "shell"];
/** Names of what runs; silent when nothing does. */
const RUNNING = "holdfast list --quiet 2>/dev/null | awk 'NR > 1 { print $3 }'";

async function run({ output }: Context, args: readonly string[]): Promise<ExitCode> {
  if (output.json) throw usageError("a script is no JSON object: completion has no --json");
  const write = SHELLS[args[0]!];
  const shells = Object.keys(SHELLS);
  if (write === undefined) {
    throw usageError(
      `there is no completion for ${args[0]}, only for ${shells.join(", ")}`,
      didYouMean(args[0]!, shells),
    );
  }
  const all = await Promise.all(commands.map((command) => command.load()));
  process.stdout.write(`${write(all)}\n`);
  return EXIT.ok;
}

function flagsOf(command: Command): string[] {
  const names = Object.values(command.options).flatMap(({ name, alias }) =>
    alias === undefined ? [name] : [name, alias],
  );
  return [...names.map((name) => `--${name}`), "--help"];
}

function bash(all: readonly Command[]): string {
  const cases = all.map((command) => `    ${command.name}) words="${flagsOf(command).join(" ")}" ;;`);
  return `_holdfast() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${all.map((command) => command.name).join(" ")}" -- "$word"))
    return
  fi
  case "$command" in
${cases.join("\n")}
    completion) words="${Object.keys(SHELLS).join(" ")}" ;;
  esac
  case "$command" in
    ${NAMED.join("|")}) words="$words $(${RUNNING})" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _holdfast holdfast`;
}

/** zsh runs the script of bash. */
function zsh(all: readonly Command[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash(all)}`;
}

function fish(all: readonly Command[]): string {
  const lines = all.flatMap((command) => [
    `complete -c holdfast -n __fish_use_subcommand -f -a ${command.name} -d "${command.summary}"`,
    ...Object.values(command.options).map(
      (option) =>
        `complete -c holdfast -n "__fish_seen_subcommand_from ${command.name}" -l ${option.name} -d "${option.description}"`,
    ),
  ]);
  const named = `complete -c holdfast -n "__fish_seen_subcommand_from ${NAMED.join(" ")}" -f -a "(${RUNNING})"`;
  const shells = `complete -c holdfast -n "__fish_seen_subcommand_from completion" -f -a "${Object.keys(SHELLS).join(" ")}"`;
  return [...lines, named, shells].join("\n");
}
