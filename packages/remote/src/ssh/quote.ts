// Command lines for the login shell of the far side, whichever of sh, bash, zsh, ksh or fish it is: what is given as
// words is words there, whatever characters it has.
import { HoldfastError } from "@holdfast/core";
import { quoted } from "../plugin/peer-text.ts";

const PLAIN = /^[A-Za-z0-9_./:@%+,-]+$/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What may not stand between single quotes in one shell or another. */
const OUTSIDE = /(['\\!]+)/;

/**
 * One word, quoted.
 * @throws HoldfastError `bad_argument` (fatal): no command line can hold a NUL.
 */
export function quote(word: string): string {
  if (word.includes("\0")) throw unfit("bad_argument", "a word of a command has a NUL in it");
  if (PLAIN.test(word)) return word;
  if (word === "") return "''";
  const parts = word.split(OUTSIDE).filter((part) => part !== "");
  return parts.map((part) => (OUTSIDE.test(part) ? part.replaceAll(/./g, "\\$&") : `'${part}'`)).join("");
}

/** A path that no program takes for an option, and `cd` for nothing but a path. */
export function plainPath(path: string): string {
  return path.startsWith("/") || path.startsWith("./") || path.startsWith("../") ? path : `./${path}`;
}

/**
 * `NAME=value` words for `env`.
 * @throws HoldfastError `bad_environment` (fatal) for a name that no variable has, or a value with a NUL.
 */
export function assignments(environment: Readonly<Record<string, string>>): readonly string[] {
  checkEnvironment(environment);
  return Object.entries(environment).map(([name, value]) => quote(`${name}=${value}`));
}

/** @throws HoldfastError `bad_environment` (fatal), as `assignments`. */
export function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (!NAME.test(name)) throw unfit("bad_environment", `${quoted(name)} is no name of a variable`);
    if (value.includes("\0")) throw unfit("bad_environment", `the variable ${name} has a NUL in it`);
  }
}

function unfit(code: string, message: string): HoldfastError {
  return new HoldfastError({ code, message, kind: "fatal", fault: "local" });
}
