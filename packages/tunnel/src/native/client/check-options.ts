// What a tunnel cannot be told.
import { HoldfastError } from "@holdfast/core";
import type { TunnelOptions } from "./options.ts";

const MOST_TARGETS = 1_024;
const MOST_LABEL_BYTES = 255;

/** @throws HoldfastError `bad_config` (fatal). */
export function checkOptions({ targets, maxStreams = 1, targetTimeoutMs = 1 }: TunnelOptions): void {
  if (targets.length === 0) throw bad("a tunnel needs a target");
  if (targets.length > MOST_TARGETS) throw bad(`a tunnel has at most ${MOST_TARGETS} targets`);
  for (const { port = 0, label = "" } of targets) {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw bad(`port must be a whole number from 0 to 65535, not ${port}`);
    }
    if (Buffer.byteLength(label) > MOST_LABEL_BYTES) {
      throw bad(`a label has at most ${MOST_LABEL_BYTES} bytes`);
    }
  }
  if (!Number.isInteger(maxStreams) || maxStreams < 1) {
    throw bad(`maxStreams must be a whole number of at least 1, not ${maxStreams}`);
  }
  if (!(targetTimeoutMs > 0)) throw bad(`targetTimeoutMs must be a number above 0, not ${targetTimeoutMs}`);
}

function bad(message: string): HoldfastError {
  return new HoldfastError({ code: "bad_config", message, kind: "fatal", fault: "local" });
}
