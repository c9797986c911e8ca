// What all processes of a link to this machine have in common: their end is known once, or not at all.
import type { Readable, Writable } from "node:stream";
import type { HoldfastError } from "@holdfast/core";
import type { ProcessEnd } from "../plugin/process.ts";
import type { HostLife } from "./host-life.ts";

/** How it ended; rejects when the link ends first, and then lets go of the process. Needs no handler. */
export function untilEnd(
  end: Promise<ProcessEnd>,
  life: HostLife,
  release: (reason: HoldfastError) => void,
): Promise<ProcessEnd> {
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    const forget = life.atEnd((reason) => {
      reject(reason);
      release(reason);
    });
    void end.then((how) => {
      forget();
      resolve(how);
    });
  });
  ended.catch(() => undefined);
  return ended;
}

/** Errors of a stream that nobody listens to do not end our own process. */
export function guard<S extends Readable | Writable>(stream: S): S {
  stream.on("error", () => undefined);
  return stream;
}
