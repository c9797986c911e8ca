// What a flag is: one description for parsing, for its environment variable and TOML key, for help and documents.

export interface Option<T> {
  /** The long name without dashes: `drain-timeout`. Environment variable and TOML key follow from it. */
  readonly name: string;
  /** The same flag under another name. */
  readonly alias?: string;
  /**
   * The command whose flag this is alone, where another one's of the same name means something else. Its variable has
   * the command's name in it, and its TOML key counts only in the command's table.
   */
  readonly command?: string;
  /** One letter. */
  readonly short?: string;
  /** What stands for the value in help; none for a switch. */
  readonly value?: string;
  /** It may be given several times: `parse` gets all texts, each with `REPEAT` between it and the next. */
  readonly repeatable?: boolean;
  readonly description: string;
  /** What is used if nobody sets it, as people would write it. */
  readonly shownDefault?: string;
  readonly fallback: T;
  /** @throws HoldfastError `usage` saying what was expected; the flag's name is put before it. */
  parse(text: string): T;
  /** Heading in help. */
  readonly group: string;
}

export type OptionSet = Readonly<Record<string, Option<unknown>>>;

/** The values of a set of options. */
export type Values<S extends OptionSet> = {
  readonly [K in keyof S]: S[K] extends Option<infer T> ? T : never;
};

export interface OptionTexts {
  readonly name: string;
  readonly description: string;
  readonly value: string;
  readonly group?: string;
  readonly alias?: string;
  readonly short?: string;
  readonly command?: string;
  readonly shownDefault?: string;
}

/** Stands between the values of a flag that is given several times: no command line can have it in a value. */
export const REPEAT = "\0";

/** A flag with a value and no default. */
export function optional<T>(texts: OptionTexts, parse: (text: string) => T): Option<T | undefined> {
  return { group: "Options", ...texts, fallback: undefined, parse };
}

/** A flag with a value that may be given several times; each is parsed for itself. */
export function repeatable<T>(texts: OptionTexts, parse: (text: string) => T): Option<readonly T[]> {
  const all = (text: string): readonly T[] => text.split(REPEAT).map(parse);
  return { group: "Options", ...texts, repeatable: true, fallback: [], parse: all };
}

/** A flag with a value and a default, written as a person would. */
export function withDefault<T>(
  texts: OptionTexts & { shownDefault: string },
  parse: (text: string) => T,
): Option<T> {
  return { group: "Options", ...texts, fallback: parse(texts.shownDefault), parse };
}

/** A switch. */
export function flag(texts: Omit<OptionTexts, "value">): Option<boolean> {
  return { group: "Options", ...texts, fallback: false, parse: parseSwitch };
}

/** `HOLDFAST_DRAIN_TIMEOUT`, and `HOLDFAST_RELAY_PORT` of what is one command's alone. */
export function environmentName({ name, command }: Pick<Option<unknown>, "name" | "command">): string {
  const words = command === undefined ? name : `${command}-${name}`;
  return `HOLDFAST_${words.replaceAll("-", "_").toUpperCase()}`;
}

export function tomlKey(option: Option<unknown>): string {
  return option.name.replaceAll("-", "_");
}

function parseSwitch(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new RangeError("true or false");
}
