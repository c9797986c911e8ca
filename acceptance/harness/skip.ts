// Acts that need something that not every machine has.
import { networkLabAvailable } from "@holdfast/net/testing";
import { findProgram } from "./program.ts";

/** How what an act measured begins when it measured nothing. */
export const SKIPPED = "SKIPPED";

/** What an act needs beyond Node: programs by name, or a network lab. */
export interface Needs {
  readonly programs?: readonly string[];
  readonly lab?: boolean;
}

/**
 * Play, or say that it was skipped and why.
 * @throws Error with HOLDFAST_REQUIRE_PEERS=1, where nothing may be missing.
 */
export async function needing(needs: Needs, play: () => Promise<string>): Promise<string> {
  const missing = await whatIsMissing(needs);
  if (missing === undefined) return play();
  if (process.env["HOLDFAST_REQUIRE_PEERS"] === "1") throw new Error(missing);
  return `${SKIPPED}, ${missing}`;
}

async function whatIsMissing({ programs = [], lab = false }: Needs): Promise<string | undefined> {
  const absent = programs.filter((name) => findProgram(name) === undefined);
  if (absent.length > 0) return `not installed here: ${absent.join(", ")}`;
  if (!lab) return undefined;
  const available = await networkLabAvailable();
  return available === true ? undefined : available;
}
