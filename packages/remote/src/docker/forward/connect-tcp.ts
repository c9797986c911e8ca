// A connection that a container makes for us, by a program in it.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { Surroundings } from "../container/probe.ts";
import { unsupported, type DockerProcess } from "../process/docker-process.ts";
import type { ExecPlace } from "../process/exec.ts";
import { firstLine } from "../process/first-line.ts";
import { pause } from "../process/pause.ts";
import { peerText, quoted } from "../../plugin/peer-text.ts";
import { connectProgram, type ConnectProgram } from "./programs.ts";
import { ProgramStream } from "./program-stream.ts";

const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.:%-]*$|^::[0-9a-fA-F:.]*$/;
const MOST_PORT = 65_535;
const MOST_LINE_BYTES = 1_024;
const MOST_STDERR = 8_192;
const CONNECT_TIMEOUT_MS = 30_000;
/** `nc` says nothing when it has connected; if it has not ended by then, it has. */
const NC_SETTLED_MS = 500;
/** How `socat -d -d` says that the far side has ended. */
const SOCAT_BROKEN = /socket 2 to socket 1 is in error/;
const SOCAT_FAR_END = /socket 2 \(fd \d+\) is at EOF/;

export interface ConnectingPlace {
  readonly place: ExecPlace;
  readonly surroundings: Surroundings;
  readonly start: (command: readonly [string, ...string[]]) => Promise<DockerProcess>;
}

/** @throws HoldfastError as `Connecting.connectTcp`. */
export async function connectTcp(from: ConnectingPlace, host: string, port: number): Promise<Duplex> {
  if (!HOST.test(host) || !Number.isInteger(port) || port < 1 || port > MOST_PORT) {
    const message = `${quoted(host)}, port ${port} is no address`;
    throw new HoldfastError({ code: "bad_endpoint", message, kind: "fatal", fault: "local" });
  }
  const [connector] = from.surroundings.connectors;
  if (connector === undefined) {
    const hint = "install one of perl, python3, socat, nc in the image";
    throw unsupported("this container has no program to make connections with", hint);
  }
  const { command, manner } = connectProgram(connector, host, port);
  const process = await from.start(command);
  try {
    const where = `${host}:${port}`;
    const isBroken = await inTime(from.place, connected(from.place, process, manner, where), where);
    return new ProgramStream(process, manner === "framed", isBroken);
  } catch (thrown) {
    void process.abandon();
    throw thrown;
  }
}

/** Gives how to find out, at the program's end, whether the far side broke the connection. */
async function connected(
  { clock, life }: ExecPlace,
  process: DockerProcess,
  manner: ConnectProgram["manner"],
  where: string,
): Promise<() => boolean> {
  if (manner === "framed") {
    process.stderr.resume();
    const line = await firstLine(process.stdout, MOST_LINE_BYTES);
    if (line !== "C") throw refused(where, line.replace(/^E /, ""));
    return () => false;
  }
  const said = new StderrText(process);
  const failed = process.ended.then(({ code }) => {
    // One that found the far side, and its end, so soon has connected.
    if (manner !== "nc" || code !== 0) throw refused(where, said.text);
  });
  const settled =
    manner === "socat" ? said.contains(/successfully connected/) : pause(clock, NC_SETTLED_MS, life.signal);
  await Promise.race([failed, settled]);
  // Then it waits for the end of this side. What it has still to write it writes before it ends itself.
  if (manner === "socat") void said.contains(SOCAT_FAR_END).then(() => process.stdin.end());
  return () => manner === "socat" && SOCAT_BROKEN.test(said.text);
}

/** What a program says on stderr, as much of it as a message needs. */
class StderrText {
  text = "";
  readonly #process: DockerProcess;

  constructor(process: DockerProcess) {
    this.#process = process;
    process.stderr.on("data", (chunk: Buffer) => {
      this.text = (this.text + chunk.toString()).slice(-MOST_STDERR);
    });
  }

  contains(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!pattern.test(this.text)) return;
        this.#process.stderr.off("data", look);
        resolve();
      };
      this.#process.stderr.on("data", look);
      look();
    });
  }
}

async function inTime<T>(place: ExecPlace, promise: Promise<T>, where: string): Promise<T> {
  const over = new AbortController();
  const late = pause(place.clock, CONNECT_TIMEOUT_MS, over.signal).then(() => {
    throw refused(where, "timed out");
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/refused/i, "connection_refused"],
  [
    /name not found|not known|bad address|resolve|no address associated|temporary failure in name/i,
    "name_not_resolved",
  ],
  [/timed? ?out/i, "timed_out"],
  [/unreachable|no route/i, "unreachable"],
  [/permission denied|not permitted/i, "permission_denied"],
];

function refused(where: string, why: string): HoldfastError {
  const code = REASONS.find(([pattern]) => pattern.test(why))?.[1] ?? "connection_refused";
  const reason = peerText(why.trim().split("\n").at(-1) ?? "");
  const message = `the container could not connect to ${where}${reason === "" ? "" : `: ${reason}`}`;
  return new HoldfastError({ code, message, fault: "peer" });
}
