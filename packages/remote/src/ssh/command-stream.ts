// A `ProxyCommand` as a socket: its stdin and stdout carry the SSH connection, its end is the connection's.
import { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { startChild } from "../children.ts";
import { peerText } from "../plugin/peer-text.ts";

/** What it says of its failure is kept up to here. */
const MOST_ERRORS = 2_048;
/** After this long a command that does not end by TERM is killed. */
const KILL_AFTER_MS = 5_000;

/** Start the command with the shell. Destroying the stream ends it. */
export function commandStream(command: string, environment: NodeJS.ProcessEnv): Duplex {
  const child = startChild("/bin/sh", ["-c", `exec ${command}`], { environment });
  let errors = "";
  let ended = false;
  const killer = systemClock.timer(() => child.kill("SIGKILL"));
  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    // A command that reads no more is about to end, and its end says why.
    write: (chunk: Buffer, _, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
      if (!ended && child.kill("SIGTERM")) killer.set(KILL_AFTER_MS);
      done(error);
    },
  });
  const failed = (why: string): void => {
    const message = `the ProxyCommand ended: ${peerText((errors.trim().split("\n").at(-1) ?? "") || why)}`;
    stream.destroy(new HoldfastError({ code: "proxy_failed", message, fault: "local" }));
  };
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.stdout.on("error", () => undefined);
  child.stderr.on("error", () => undefined);
  child.stderr.on("data", (chunk: Buffer) => (errors = `${errors}${chunk.toString()}`.slice(-MOST_ERRORS)));
  child.once("error", (error) => failed(error.message));
  child.once("exit", () => {
    ended = true;
    killer.clear();
  });
  // After its last output.
  child.once("close", (code, signal) => {
    if (!stream.destroyed) failed(signal === null ? `exit code ${code}` : `signal ${signal}`);
  });
  return stream;
}
