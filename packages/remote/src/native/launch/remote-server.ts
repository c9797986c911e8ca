// `holdfast serve`, started on a machine for one client: it listens on that machine's loopback only, is told its secret
// on stdin, lives on when the link to the machine is cut, and ends with its session.
import type { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { Machine } from "../../plugin/machine.ts";
import type { Process } from "../../plugin/process.ts";

export interface RemoteServer {
  /** On the machine's 127.0.0.1. */
  readonly port: number;
  readonly secret: string;
}

export interface StartServerOptions {
  /** The program there. */
  readonly program: string;
  readonly secret: string;
  readonly signal: AbortSignal;
}

/** How long it waits for its session. */
const LONELY = "10m";
/** What it may say before it listens, in bytes. */
const MOST_BYTES = 65_536;
/** Of its complaints, in characters. */
const MOST_WORDS = 1_000;
const UNKNOWN_PROGRAM = 127;

/** @throws HoldfastError `launch_failed` (fatal) with what it said; what `machine.start` throws; the signal's reason. */
export async function startRemoteServer(
  machine: Machine,
  options: StartServerOptions,
): Promise<RemoteServer> {
  const { program, secret, signal } = options;
  const process = await machine.start({ command: commandOf(program) });
  const stop = (): void => void process.signal("TERM").catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  process.ended.catch(() => undefined);
  process.stdin.on("error", () => undefined);
  process.stdin.end(`${secret}\n`);
  try {
    const [said, complaints] = await Promise.all([readText(process.stdout), readText(process.stderr)]);
    const port = portOf(said);
    const code = await codeOf(process);
    if (signal.aborted) throw signal.reason;
    if (port === undefined || code !== 0) throw launchFailed(program, code, said, complaints);
    return { port, secret };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** It waits until the server listens, says where, and ends. */
function commandOf(program: string): readonly [string, ...string[]] {
  const where = ["--bind", "127.0.0.1", "--port", "0"];
  return [
    program,
    "serve",
    "--detach",
    "--json",
    ...where,
    "--secret-file",
    "-",
    "--shutdown",
    `once=${LONELY}`,
  ];
}

async function codeOf(process: Process): Promise<number | undefined> {
  return (await process.ended).code;
}

async function readText(stream: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of stream) {
    const bytes = Buffer.from(piece as Uint8Array);
    // Read on, so that nothing stops for it; but keep no more.
    if (length < MOST_BYTES) pieces.push(bytes);
    length += bytes.length;
  }
  return Buffer.concat(pieces).subarray(0, MOST_BYTES).toString("utf8");
}

/** The line `ready`; whatever a login prints before them is none. */
function portOf(said: string): number | undefined {
  let address: unknown;
  for (const line of said.split("\n")) {
    const fields = fieldsOf(line);
    if (fields?.["type"] !== "ready") continue;
    address = (fields["addresses"] as unknown[] | undefined)?.[0];
  }
  const port = Number(/^holdfast:\/\/127\.0\.0\.1:(\d{1,5})$/.exec(String(address))?.[1]);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function fieldsOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function launchFailed(
  program: string,
  code: number | undefined,
  said: string,
  complaints: string,
): HoldfastError {
  const words = (complaints.trim() || said.trim()).slice(-MOST_WORDS);
  const unknown = code === UNKNOWN_PROGRAM;
  const why = words === "" ? `it ended with ${code ?? "a signal"}` : words;
  return new HoldfastError({
    code: "launch_failed",
    message: unknown
      ? `there is no program ${program} on the machine`
      : `${program} serve did not start there: ${why}`,
    hint: "holdfast has to be installed on the machine, at a version that fits; --holdfast PATH says where it is",
    kind: "fatal",
    fault: "peer",
  });
}
