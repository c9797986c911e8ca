// Which entry a person means: by id, name or destination; with one candidate it may be left out.
import {
  findProcesses,
  listEntries,
  socketName,
  type ControlClient,
  type Entry,
  type Listed,
  type SilentProcess,
} from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { Context } from "./command.ts";
import { formatEndpoint } from "./describe.ts";
import { defaultDestination } from "./remote/default-destination.ts";
import { tellOfKept } from "./remote/kept-connections.ts";
import { escapeText } from "./terminal/escape.ts";
import { didYouMean, usageError } from "./usage.ts";

/** Run with every entry of every process; the connections to them end with it. */
export async function withEntries<T>(
  context: Context,
  use: (listed: readonly Listed[], silent: readonly SilentProcess[]) => Promise<T>,
): Promise<T> {
  const { clients, silent } = await findProcesses(context.paths.runtimeFolder);
  for (const one of silent) context.output.warn(describeSilent(one));
  try {
    const listed = await listEntries(clients);
    const daemons = [...clients.map(({ hello }) => hello.command), ...silent.map(({ name }) => name)];
    if (!daemons.includes("daemon")) await tellOfKept(context);
    return await use(listed, silent);
  } finally {
    closeAll(clients);
  }
}

function closeAll(clients: readonly ControlClient[]): void {
  for (const client of clients) client.close();
}

/** `web (process 4711) does not answer` */
export function describeSilent({ name, pid, error }: SilentProcess): string {
  const why = error.code === "timed_out" ? "" : `: ${error.text}`;
  return escapeText(`${name} (process ${pid}) does not answer${why}`);
}

/** The silent process that a person means: by its name, its number, or because it is the only one. */
export function selectSilent(
  silent: readonly SilentProcess[],
  wanted: string | undefined,
): SilentProcess | undefined {
  if (wanted === undefined) return silent[0];
  return silent.find(
    ({ name, pid }) => name === socketName(wanted) || wanted === String(pid) || wanted.startsWith(`${pid}/`),
  );
}

/** @throws HoldfastError `usage` on systems where no process can be seen by others. */
export function needUnixSockets(platform: NodeJS.Platform = process.platform): void {
  if (platform !== "win32") return;
  throw usageError("this command needs unix sockets, which holdfast does not use on Windows");
}

/** Where an entry leads, as `list` shows it. */
export function destinationOf(entry: Entry): string {
  switch (entry.type) {
    case "tunnel":
      return entry.target;
    case "relay":
    case "server":
      return entry.address;
    case "connection":
      return entry.destination;
    case "forward":
      return entry.target === null ? entry.direction : formatEndpoint(entry.target);
    case "daemon":
      return entry.session_socket;
  }
}

/** As `list` shows it: the daemon's own numbers are the same for ever, any other process has its own. */
export function idOf(entry: Entry): string {
  return isOfDaemon(entry) ? String(entry.id) : `${entry.pid}/${entry.id}`;
}

function isOfDaemon({ type }: Entry): boolean {
  return type === "connection" || type === "forward" || type === "daemon";
}

/** What a person typed fits this entry. `PID/ID` says exactly which; `3000` may also be the port that is exposed. */
export function isMeant(entry: Entry, wanted: string): boolean {
  if (entry.type === "tunnel" && entry.target === `localhost:${wanted}`) return true;
  if (entry.type === "connection" && entry.destination === defaultDestination(wanted)) return true;
  const exact = [entry.name, String(entry.id), destinationOf(entry), `${entry.pid}/${entry.id}`];
  return exact.includes(wanted);
}

/**
 * The one that is meant.
 * @throws HoldfastError `not_running` if there is none, `not_answering` if its process is silent, `usage` if there
 * are several.
 */
export function selectEntry(
  listed: readonly Listed[],
  wanted: string | undefined,
  silent: readonly SilentProcess[],
): Listed {
  const fitting =
    wanted === undefined ? listed.filter(isOfItsOwn) : listed.filter(({ entry }) => isMeant(entry, wanted));
  // A name says more than a number of another process.
  const named = fitting.filter(({ entry }) => entry.name === wanted);
  const numbered = fitting.filter(({ entry }) => isOfDaemon(entry) && String(entry.id) === wanted);
  const [candidates = fitting] = [named, numbered].filter(({ length }) => length === 1);
  if (candidates.length === 1) return candidates[0]!;
  const mute = selectSilent(silent, wanted);
  if (candidates.length === 0) throw mute === undefined ? notRunning(listed, wanted) : notAnswering(mute);
  const all = candidates
    .map(({ entry }) => `${escapeText(entry.name)} (${entry.pid}/${entry.id})`)
    .join(", ");
  throw usageError(
    wanted === undefined ? `which one? ${all}` : `${wanted} may be any of these: ${all}`,
    "give a name, or the process and id, as in 4711/1",
  );
}

/** What runs for something else (a command's own relay, the daemon) nobody means without saying so. */
function isOfItsOwn({ client, entry }: Listed): boolean {
  if (entry.type === "daemon" || entry.type === "forward") return false;
  return entry.type !== "relay" || client.hello.command === "relay";
}

function notAnswering(process: SilentProcess): HoldfastError {
  return new HoldfastError({
    code: "not_answering",
    message: describeSilent(process),
    fault: "peer",
    hint: `it may be stopped; kill -CONT ${process.pid} lets it go on`,
  });
}

function notRunning(listed: readonly Listed[], wanted: string | undefined): HoldfastError {
  const names = listed.map(({ entry }) => entry.name);
  const guess = wanted === undefined ? undefined : didYouMean(wanted, names);
  return new HoldfastError({
    code: "not_running",
    message:
      wanted === undefined || names.length === 0
        ? "nothing is running"
        : `nothing called ${wanted} is running`,
    kind: "fatal",
    fault: "local",
    hint: guess ?? "holdfast list shows what runs",
  });
}
