// The values of a command's options: flag, else environment, else configuration file, else default.
import { didYouMean, usageError } from "../usage.ts";
import { environmentName, REPEAT, tomlKey, type Option, type OptionSet, type Values } from "./option.ts";

export interface Sources {
  /** What the command line said: the text after the flag, or `true` for a switch. */
  readonly flags: ReadonlyMap<string, string | true>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: ConfigFile | undefined;
}

export interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Every option's value.
 * @throws HoldfastError `usage` that names the flag, variable or key and says what was expected.
 */
export function resolveOptions<S extends OptionSet>(
  options: S,
  command: string,
  sources: Sources,
): Values<S> {
  const table = sources.file === undefined ? {} : commandTable(sources.file, command, options);
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(options)) values[key] = resolveOption(option, sources, table);
  for (const [one, other] of ALTERNATIVES) {
    if (values[one] === undefined || values[other] === undefined) continue;
    const [a, b] = [sourceOf(options[one]!, sources), sourceOf(options[other]!, sources)];
    if (a.rank === b.rank) throw usageError(`the secret is given twice: ${a.text} and ${b.text}`);
    values[a.rank < b.rank ? other : one] = undefined;
  }
  return values as Values<S>;
}

/** Two ways to give the same thing: the one that is given closer to the command wins. */
const ALTERNATIVES = [["secret", "secretFile"]] as const;

interface Source {
  /** A flag has the lowest, the file the highest. */
  readonly rank: number;
  readonly text: string;
}

function sourceOf(option: Option<unknown>, { flags, env, file }: Sources): Source {
  const variable = environmentName(option);
  if (flags.has(option.name)) return { rank: 0, text: `--${option.name}` };
  if ((env[variable] ?? "") !== "") return { rank: 1, text: variable };
  return { rank: 2, text: `${tomlKey(option)} in ${file?.path}` };
}

function resolveOption(
  option: Option<unknown>,
  sources: Sources,
  table: Readonly<Record<string, unknown>>,
): unknown {
  const fromFlag = sources.flags.get(option.name);
  if (fromFlag === true) return true;
  if (fromFlag !== undefined) return parse(option, fromFlag, `--${option.name}`);
  const variable = environmentName(option);
  const fromEnv = sources.env[variable];
  // A variable that is set to nothing is how many tools unset one.
  if (fromEnv !== undefined && fromEnv !== "") return parse(option, fromEnv, variable);
  checkAmbiguous(option, sources);
  const fromFile = table[tomlKey(option)];
  if (fromFile !== undefined)
    return parse(option, textOf(fromFile, option), `${tomlKey(option)} in ${sources.file?.path}`);
  return option.fallback;
}

/** A variable that would mean one thing to this command and another to the next means nothing. */
function checkAmbiguous(option: Option<unknown>, { env }: Sources): void {
  if (option.command === undefined) return;
  const general = environmentName({ name: option.name });
  if ((env[general] ?? "") === "") return;
  throw usageError(
    `${general} is set, and means another thing to each command`,
    `for --${option.name} of this one set ${environmentName(option)}`,
  );
}

function parse(option: Option<unknown>, text: string, where: string): unknown {
  try {
    return option.parse(text);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    // Any text may be a secret, and none is ever shown.
    if (option.name === "secret") throw usageError(`${where} is empty`);
    throw usageError(`${where}: expected ${thrown.message}, not ${JSON.stringify(text)}`);
  }
}

/** `drain_timeout = "30s"` for every command, the same under `[expose]` for one. */
function commandTable(
  file: ConfigFile,
  command: string,
  options: OptionSet,
): Readonly<Record<string, unknown>> {
  const own = file.values[command];
  if (own !== undefined && !isTable(own))
    throw usageError(`${file.path}: ${command} must be a table: [${command}]`);
  const known = new Set(Object.values(options).map(tomlKey));
  for (const key of Object.keys(own ?? {})) {
    if (known.has(key)) continue;
    throw usageError(`${file.path}: [${command}] has no key ${key}`, didYouMean(key, known));
  }
  const alone = new Set(
    Object.values(options).flatMap((option) => (option.command ? [tomlKey(option)] : [])),
  );
  const general = Object.entries(file.values).filter(([key]) => !alone.has(key));
  return { ...Object.fromEntries(general), ...own };
}

/** What may stand in the file. */
interface KnownNames {
  readonly keys: ReadonlySet<string>;
  /** Keys that only a command's own table may have. */
  readonly alone: readonly { readonly key: string; readonly command?: string }[];
  readonly commands: ReadonlySet<string>;
}

/** Keys outside of tables may belong to any command; what belongs to none is a mistake. */
export function checkTopLevel(file: ConfigFile, { keys, alone, commands }: KnownNames): void {
  for (const [key, value] of Object.entries(file.values)) {
    const tables = alone
      .filter((one) => one.key === key && !keys.has(key))
      .map(({ command }) => `[${command}]`);
    if (tables.length > 0 && !isTable(value)) {
      throw usageError(
        `${file.path}: ${key} means another thing to each command`,
        `put it under ${tables.join(" or ")}`,
      );
    }
    if (isTable(value) ? commands.has(key) : keys.has(key)) continue;
    const guess = didYouMean(key, isTable(value) ? commands : keys);
    throw usageError(
      `${file.path}: there is no ${isTable(value) ? `command [${key}]` : `key ${key}`}`,
      guess,
    );
  }
}

function textOf(value: unknown, { repeatable = false }: Option<unknown>): string {
  if (Array.isArray(value)) return value.map(String).join(repeatable ? REPEAT : ",");
  return String(value);
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
