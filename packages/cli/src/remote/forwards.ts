// `holdfast forward list` and `holdfast forward close ID`.
import type { ForwardEntry } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { findDaemon } from "@holdfast/remote/client";
import type { Context } from "../command.ts";
import { describeEntry, formatEndpoint } from "../describe.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { needUnixSockets } from "../select.ts";
import { escapeText } from "../terminal/escape.ts";
import { formatTable } from "../terminal/format.ts";
import { usageError } from "../usage.ts";
import { localError } from "./failure.ts";

/** Starts no daemon: without one there are no forwards. */
export async function listForwards(context: Context, args: readonly string[]): Promise<ExitCode> {
  needUnixSockets();
  if (args.length > 0) throw usageError(`too many arguments: ${JSON.stringify(args[0])} is one too many`);
  const { output } = context;
  const daemon = await findDaemon(context.paths.runtimeFolder);
  const entries = (await daemon?.list()) ?? [];
  daemon?.close();
  const forwards = entries.filter((entry) => entry.type === "forward");
  for (const entry of forwards) output.line(entry);
  if (forwards.length === 0) {
    output.status("there are no forwards");
    return EXIT.ok;
  }
  const names = new Map(entries.map(({ id, name }) => [id, name]));
  const rows = forwards.map((entry) => rowOf(entry, names.get(entry.connection) ?? "-"));
  const header = ["ID", "NAME", "BY", "DIRECTION", "LISTENS", "LEADS TO", "STATE"];
  for (const line of formatTable([header, ...rows.map((row) => row.map(escapeText))])) output.text(line);
  return EXIT.ok;
}

function rowOf(entry: ForwardEntry, connection: string): string[] {
  const { id, name, direction, listen, target } = entry;
  const at = (place: ForwardEntry["listen"]): string => (place === null ? "-" : formatEndpoint(place));
  return [String(id), name, connection, direction, at(listen), at(target), describeEntry(entry, Date.now())];
}

export async function closeForward(context: Context, args: readonly string[]): Promise<ExitCode> {
  needUnixSockets();
  const [wanted, ...rest] = args;
  if (wanted === undefined || rest.length > 0) {
    throw usageError("forward close takes the id or name of one forward", "holdfast forward list shows them");
  }
  const daemon = await findDaemon(context.paths.runtimeFolder);
  try {
    const entries = (await daemon?.list()) ?? [];
    const fitting = entries
      .filter((entry) => entry.type === "forward")
      .filter(({ id, name }) => wanted === String(id) || wanted === name);
    if (daemon === undefined || fitting[0] === undefined) throw unknown(wanted);
    const { id, name } = fitting[0];
    await daemon.disconnect(id).catch((thrown: unknown) => {
      throw localError(thrown);
    });
    context.output.data(`closing ${escapeText(name)}`, { type: "disconnect_initiated", id });
    return EXIT.ok;
  } finally {
    daemon?.close();
  }
}

function unknown(wanted: string): HoldfastError {
  const message = `there is no forward ${JSON.stringify(wanted)}`;
  const hint = "holdfast forward list shows them";
  return new HoldfastError({ code: "unknown_forward", message, hint, kind: "fatal", fault: "local" });
}
