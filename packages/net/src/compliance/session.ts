// The suite of sessions: what they promise, over each kind of link.
import type { Runner } from "./transport.ts";
import { sessionCases, type SessionCase } from "./session-cases.ts";
import { sessionOutages } from "./session-outages.ts";
import type { SessionArena } from "./session-arena.ts";
import { onStage } from "./session-stage.ts";

/** Register all cases with a test runner. `open` makes a fresh arena for each. */
export function sessionCompliance(name: string, open: () => Promise<SessionArena>, runner: Runner): void {
  runner.describe(`sessions over ${name}`, () => {
    for (const each of [...sessionCases, ...sessionOutages]) {
      runner.it(each.name, () => runCase(each, open));
    }
  });
}

async function runCase({ options = {}, run }: SessionCase, open: () => Promise<SessionArena>): Promise<void> {
  const arena = await open();
  try {
    await onStage(arena, options, run);
  } finally {
    await arena.close();
  }
}
