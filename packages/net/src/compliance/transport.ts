// What every transport has to do, as a list of cases. A new transport is one file, an arena, and one line that
// runs these.
import type { Link } from "../link.ts";
import type { Arena } from "./arena.ts";
import { byteCases } from "./byte-cases.ts";
import { dialCases } from "./dial-cases.ts";
import { endCases } from "./end-cases.ts";

export interface ComplianceCase {
  readonly name: string;
  /** Why it makes no sense with this transport; `undefined` where it does. */
  readonly skip: string | undefined;
  /** Rejects if the transport does not comply. */
  readonly run: () => Promise<void>;
}

/** As much of a test runner as is needed; vitest, jest, mocha and node:test have it. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  it: ((name: string, run: () => Promise<void>) => void) & {
    skip(name: string, run: () => Promise<void>): void;
  };
}

/** What a transport cannot have, each with the reason, which is printed. */
export interface Exceptions {
  /** There can be no peer that does not answer a dial. */
  readonly silence?: string;
  /** One direction cannot end by itself: `end()` ends both. */
  readonly halfClose?: string;
  /** The system below keeps a closed connection until the other end has taken note. */
  readonly release?: string;
}

/** A case is given an arena of its own, which is closed afterwards. */
export interface ArenaCase {
  readonly name: string;
  readonly needs?: keyof Exceptions;
  readonly run: <L extends Link>(arena: Arena<L>) => Promise<void>;
}

/** All cases for a transport. `open` makes a fresh arena for each. */
export function transportCases<L extends Link>(
  open: () => Promise<Arena<L>>,
  exceptions: Exceptions = {},
): readonly ComplianceCase[] {
  return [...dialCases, ...byteCases, ...endCases].map(({ name, needs, run }) => ({
    name,
    skip: needs === undefined ? undefined : exceptions[needs],
    run: async () => {
      const arena = await open();
      try {
        await run(arena);
      } finally {
        await arena.close();
      }
    },
  }));
}

/** Register all cases with a test runner. */
export function transportCompliance<L extends Link>(
  name: string,
  open: () => Promise<Arena<L>>,
  runner: Runner,
  exceptions: Exceptions = {},
): void {
  runner.describe(`${name} complies`, () => {
    for (const { name: caseName, skip, run } of transportCases(open, exceptions)) {
      if (skip === undefined) runner.it(caseName, run);
      else runner.it.skip(`${caseName} (skipped: ${skip})`, run);
    }
  });
}
