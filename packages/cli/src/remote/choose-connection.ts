// Which connection a person means: by id, name or destination; with one candidate it may be left out.
import type { ConnectionEntry } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { escapeText } from "../terminal/escape.ts";
import { didYouMean, usageError } from "../usage.ts";
import { defaultDestination } from "./default-destination.ts";

/** @throws HoldfastError `unknown_connection` (fatal) if there is none, `usage` if there are several. */
export async function chooseConnection(
  _context: Context,
  client: DaemonClient,
  wanted?: string,
): Promise<ConnectionEntry> {
  const control = await client.control();
  const entries = await control.list();
  const all = entries.filter((entry) => entry.type === "connection");
  const fitting = wanted === undefined ? all : all.filter((entry) => isNamed(entry, wanted));
  // A name says more than a number or a destination.
  const exact = fitting.filter(({ name }) => name === wanted);
  const candidates = exact.length === 1 ? exact : fitting;
  if (candidates.length === 1) return candidates[0]!;
  if (candidates.length === 0) throw unknown(all, wanted);
  const names = candidates.map(({ id, name }) => `${escapeText(name)} (${id})`).join(", ");
  throw usageError(
    wanted === undefined ? `which connection? ${names}` : `${wanted} may be any of these: ${names}`,
    "give a name or an id, such as 7",
  );
}

function isNamed({ id, name, destination }: ConnectionEntry, wanted: string): boolean {
  return [name, String(id), destination].includes(wanted) || destination === defaultDestination(wanted);
}

function unknown(all: readonly ConnectionEntry[], wanted: string | undefined): HoldfastError {
  const names = all.map(({ name }) => name);
  return new HoldfastError({
    code: "unknown_connection",
    message:
      wanted === undefined || all.length === 0
        ? "there is no connection"
        : `there is no connection ${JSON.stringify(wanted)}`,
    kind: "fatal",
    fault: "local",
    hint:
      (wanted === undefined ? undefined : didYouMean(wanted, names)) ??
      "holdfast connect ssh://me@server makes one; holdfast list shows those that there are",
  });
}
