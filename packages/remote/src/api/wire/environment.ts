// The variables of a process, as editors write them: a map, or a text such as `A="b",C="d"`.
import { badInput } from "./errors.ts";

/** A name, then a value in quotes, in which \" and \\ stand for themselves, or without quotes up to the comma. */
const PAIR = /\s*([^=,\s"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,"]*))\s*(?:,|$)/sy;

/**
 * distant.nvim begins its text with a comma; empty parts mean nothing.
 * @throws HoldfastError `bad_input`.
 */
export function parseEnvironment(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    const blank = /[\s,]+/y;
    blank.lastIndex = at;
    if (blank.test(text)) {
      at = blank.lastIndex;
      continue;
    }
    PAIR.lastIndex = at;
    const found = PAIR.exec(text);
    if (found === null)
      throw badInput(`environment is not such as A="b",C="d": ${JSON.stringify(text.slice(at, at + 32))}`);
    const [, name = "", quoted, bare = ""] = found;
    Object.defineProperty(variables, name, {
      value: quoted === undefined ? bare.trim() : quoted.replaceAll(/\\(["\\])/g, "$1"),
      enumerable: true,
    });
    at = PAIR.lastIndex;
  }
  return variables;
}
