// What `ssh -G` prints, and what a configuration file says of one host: keywords in lower case with their values. The
// small reader of files stands in where no `ssh` is installed; it knows `Host` blocks, and says what it leaves out.
import { matchesPatterns } from "./known-hosts.ts";

/** Values by keyword; of a keyword that may be repeated, all in their order. */
export type ConfigWords = ReadonlyMap<string, readonly string[]>;

/** A longer output or file is cut: no configuration is that long. */
const MOST_LINES = 10_000;

/** The output of `ssh -G`: one `keyword value` a line. */
export function parseOutput(text: string): ConfigWords {
  const words = new Map<string, string[]>();
  for (const row of text.split("\n").slice(0, MOST_LINES)) {
    const [, keyword, value] = /^(\S+)\s+(.*?)\s*$/.exec(row) ?? [];
    if (keyword !== undefined && value !== undefined) append(words, keyword.toLowerCase(), value);
  }
  return words;
}

/** What a file says of a host, the first value of each keyword as ssh has it; `IdentityFile` adds up. */
export function parseFile(
  text: string,
  file: string,
  host: string,
  warn: (text: string) => void,
): ConfigWords {
  const words = new Map<string, string[]>();
  let speaksOf = true;
  for (const [index, row] of text.split("\n").slice(0, MOST_LINES).entries()) {
    const [, keyword, value] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(row) ?? [];
    if (keyword === undefined || value === undefined || value === "") continue;
    const name = keyword.toLowerCase();
    if (name === "host") speaksOf = matchesPatterns(host, splitWords(value));
    else if (name === "match") speaksOf = false;
    else if (speaksOf && name !== "include" && (name === "identityfile" || !words.has(name))) {
      append(words, name, value);
    }
    if (name === "match" || (name === "include" && speaksOf)) {
      warn(`${file}:${index + 1}: ${keyword} is left out, because no ssh is installed that understands it`);
    }
  }
  return words;
}

/** Words between white space; those in double quotes as they are. */
export function splitWords(text: string): readonly string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

function append(words: Map<string, string[]>, keyword: string, value: string): void {
  const values = words.get(keyword);
  if (values === undefined) words.set(keyword, [value]);
  else values.push(value);
}
