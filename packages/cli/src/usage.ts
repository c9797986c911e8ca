// Wrong usage: one kind of error (exit 2), and guesses at what was meant.
import { HoldfastError } from "@holdfast/core";

export function usageError(message: string, hint?: string): HoldfastError {
  return new HoldfastError({ code: "usage", message, kind: "fatal", fault: "local", hint });
}

/** `holdfast exec [name] [options] -- CMD ARGS` */
export function usageLine(command: {
  readonly name: string;
  readonly usage: string;
  readonly tail?: string;
}): string {
  const tail = command.tail === undefined ? [] : ["--", command.tail];
  return ["holdfast", command.name, command.usage, "[options]", ...tail]
    .filter((word) => word !== "")
    .join(" ");
}

/** "did you mean …", for a word that is close to one of these. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A third of the word may be wrong, and never less than one letter.
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best === undefined ? undefined : `did you mean ${best}?`;
}

/** Insertions, deletions, replacements, and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let previous: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1, swapped ? previous[j - 2]! + 1 : Infinity);
    }
    previous = row;
    row = next;
  }
  return row[b.length]!;
}
