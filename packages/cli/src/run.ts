// From the command line to an exit code: find the subcommand, resolve its options, run it, report what went wrong.
import { holdfastPaths, timestamp, type Hello } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { Command, Context } from "./command.ts";
import { commands, type Listed } from "./commands.ts";
import { EXIT, exitCodeOfError } from "./exit-codes.ts";
import { helpForAll, helpForCommand } from "./help.ts";
import type { outputOptions } from "./options/flags.ts";
import { readConfigFile } from "./options/config-file.ts";
import { tomlKey, type OptionSet, type Values } from "./options/option.ts";
import type { Parsed } from "./options/parse-arguments.ts";
import { checkTopLevel, resolveOptions, type ConfigFile } from "./options/resolve.ts";
import { closeDeadTerminalAtExit } from "./terminal/dead-terminal.ts";
import { Output } from "./terminal/output.ts";
import { watchWrites } from "./terminal/write-failure.ts";
import { flush } from "./terminal/unblock.ts";
import { didYouMean, usageError } from "./usage.ts";
import { VERSION } from "./version.ts";

/** Run the command and end the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  process.on("uncaughtException", (thrown) => {
    const error = HoldfastError.from(thrown);
    bareOutput(argv[0] ?? "holdfast", argv).error(error);
    process.exit(EXIT.failed);
  });
  closeDeadTerminalAtExit();
  const written = watchWrites(process.stdout);
  let code = await run(argv);
  await flush(process.stdout, process.stderr);
  // A write that failed says so in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  if (written.error !== undefined && code === EXIT.ok) {
    bareOutput(argv[0] ?? "holdfast", []).error(written.error);
    code = EXIT.failed;
  }
  // Whatever a library keeps open must not keep a command alive that has said its last word.
  process.exit(code);
}

async function run(argv: readonly string[]): Promise<number> {
  // Written before the options are known: a bare run under npm is the demo.
  const words = argv.length === 0 && isNpmStart(process.env) ? ["demo"] : argv;
  const [name, ...rest] = words;
  if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    process.stdout.write(`${helpForAll()}\n`);
    return EXIT.ok;
  }
  try {
    if (name === "help") return await runCommand(find(rest[0]!), ["--help"]);
    return await runCommand(find(name), rest);
  } catch (thrown) {
    // Only what fails before a command has its own output comes here.
    const error = HoldfastError.from(thrown);
    bareOutput(name.startsWith("-") ? "holdfast" : name, words).error(error);
    return exitCodeOfError(error);
  }
}

/** `npm start`, as opposed to a script of somebody's that calls us. */
function isNpmStart(env: NodeJS.ProcessEnv): boolean {
  return env["npm_lifecycle_event"] === "start" && (env["npm_package_name"] ?? "").startsWith("holdfast");
}

function find(name: string): Listed {
  const listed = commands.find((command) => command.name === name);
  if (listed !== undefined) return listed;
  if (name.startsWith("-")) throw usageError(`options come after the command, as in: holdfast list ${name}`);
  const guess = didYouMean(
    name,
    commands.map((command) => command.name),
  );
  throw usageError(`there is no command ${name}`, guess ?? "holdfast --help lists the commands");
}

async function runCommand(listed: Listed, words: readonly string[]): Promise<number> {
  const command = await listed.load();
  const { argv, tail } = cutTail(command, words);
  if (asksForHelp(argv)) {
    process.stdout.write(`${helpForCommand(command)}\n`);
    return EXIT.ok;
  }
  const parsed = await parse(command, argv);
  const env = takeSecrets(process.env);
  const paths = holdfastPaths(env);
  const configPath = parsed.flags.get("config") ?? (env["HOLDFAST_CONFIG"] || undefined);
  const named = typeof configPath === "string";
  const file = await readConfigFile(named ? configPath : paths.configFile, named);
  if (file !== undefined) await checkKeys(file);
  const values = resolveOptions(command.options, command.name, { flags: parsed.flags, env, file });
  const output = outputOf(command.name, values as Values<typeof outputOptions>);
  output.hello();
  warnOfSecret(parsed, output);
  return runReported(command, { output, paths, env: withoutSecrets(env), tail }, parsed.args, values);
}

/** The command line of another machine is none of our parser's business. */
function cutTail(
  { tail }: Command,
  words: readonly string[],
): { readonly argv: readonly string[]; readonly tail: readonly string[] | undefined } {
  const end = words.indexOf("--");
  if (tail === undefined || end === -1) return { argv: words, tail: undefined };
  return { argv: words.slice(0, end), tail: words.slice(end + 1) };
}

/** The parser is only loaded if there is something to parse: it is a good part of what `holdfast list` takes. */
async function parse(command: Command, argv: readonly string[]): Promise<Parsed> {
  if (argv.length === 0 && !command.usage.includes("<")) return { args: [], flags: new Map() };
  const { parseArguments } = await import("./options/parse-arguments.ts");
  return parseArguments(command.usage, command.options, argv);
}

async function runReported(
  command: Command,
  context: Context,
  args: readonly string[],
  values: Values<OptionSet>,
): Promise<number> {
  try {
    return await command.run(context, args, values);
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    context.output.error(error);
    return exitCodeOfError(error);
  }
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

/** A key that no command has is a mistake, also for the command that runs now. Needs every command's options. */
async function checkKeys(file: ConfigFile): Promise<void> {
  const loaded = await Promise.all(commands.map((command) => command.load()));
  const all = loaded.flatMap(({ options }) => Object.values(options));
  const keys = all.filter(({ command }) => command === undefined).map(tomlKey);
  const alone = all.flatMap((option) =>
    option.command === undefined ? [] : [{ ...option, key: tomlKey(option) }],
  );
  checkTopLevel(file, { keys: new Set(keys), alone, commands: new Set(commands.map(({ name }) => name)) });
}

/** Secrets leave the environment at once, so that nothing that is started later inherits them. */
function takeSecrets(env: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  const taken = { ...env };
  delete env["HOLDFAST_SECRET"];
  return taken;
}

function withoutSecrets(env: Readonly<Record<string, string | undefined>>): Context["env"] {
  const { HOLDFAST_SECRET: _secret, ...rest } = env;
  return rest;
}

function warnOfSecret(parsed: Parsed, output: Output): void {
  if (!parsed.flags.has("secret")) return;
  // On Linux this also takes the secret out of what `ps` shows; it has been there for a moment all the same.
  process.title = "holdfast";
  output.warn(
    "--secret can be seen by other users of this machine",
    "use HOLDFAST_SECRET or --secret-file instead",
  );
}

function outputOf(command: string, values: Values<typeof outputOptions>): Output {
  const { stdout, stderr } = process;
  const { json, quiet, verbose } = values;
  return new Output({ stdout, stderr, json, quiet, verbose, color: useColor(), hello: helloOf(command) });
}

/** For what goes wrong before the options are known. */
function bareOutput(command: string, words: readonly string[]): Output {
  const has = (flag: string): boolean => words.includes(flag);
  return outputOf(command, {
    json: has("--json"),
    quiet: false,
    verbose: has("--verbose"),
    config: undefined,
  });
}

function useColor(): boolean {
  const { env, stderr } = process;
  return stderr.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

function helloOf(command: string): Hello {
  const started_at = timestamp(Date.now());
  return { type: "hello", schema: 1, version: VERSION, pid: process.pid, command, started_at };
}
