// Looks for a broken promise: every directed case, then world after world, until one fails.
import { Violation } from "../violation.ts";
import { sessionCases } from "./cases.ts";
import { simulateSession, type SessionReport, type SimulateSessionOptions } from "./simulate-session.ts";

export interface SessionCatch {
  /** The directed case or the seed that saw it. */
  readonly by: { readonly scenario: string } | { readonly seed: number };
  readonly invariant: string;
  readonly message: string;
}

export interface SessionHuntOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly hmac?: SimulateSessionOptions["hmac"];
  /** Called before each world begins. */
  readonly onBegin?: (what: string) => void;
  readonly onReport?: (report: SessionReport) => void;
}

/** Run every directed case; collect the failures. */
export function trySessionCases(onBegin?: (what: string) => void): readonly SessionCatch[] {
  const found: SessionCatch[] = [];
  for (const [name, run] of Object.entries(sessionCases)) {
    onBegin?.(name);
    const caught = catching(run);
    if (caught !== undefined) found.push({ by: { scenario: name }, ...caught });
  }
  return found;
}

/** Run worlds until one fails. */
export function trySessionSeeds(options: SessionHuntOptions): SessionCatch | undefined {
  const { firstSeed, seeds, hmac } = options;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    options.onBegin?.(`seed ${seed}`);
    const caught = catching(() => {
      const report = simulateSession({ seed, ...(hmac === undefined ? {} : { hmac }) });
      options.onReport?.(report);
    });
    if (caught !== undefined) return { by: { seed }, ...caught };
  }
  return undefined;
}

function catching(run: () => void): { readonly invariant: string; readonly message: string } | undefined {
  try {
    run();
    return undefined;
  } catch (thrown) {
    const invariant = thrown instanceof Violation ? thrown.invariant : "crash";
    return { invariant, message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}
