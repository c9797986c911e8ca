// What the process says with its exit code, and how an error or a line's end becomes one.
import type { EndReason, HoldfastError } from "@holdfast/core";

export const EXIT = {
  /** Stopped as asked. */
  ok: 0,
  failed: 1,
  /** Wrong usage. */
  usage: 2,
  /** Credentials, policy, replaced: retrying cannot help. */
  refused: 3,
  /** Gave up reconnecting as configured. */
  gaveUp: 4,
  /** Interrupted twice. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Settings that are refused before anything is tried are wrong usage, whoever noticed. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  "usage",
  "bad_config",
  "bad_endpoint",
  "anonymous_relay",
  "bad_destination",
  "bad_option",
  "unknown_scheme",
  "anonymous_server",
  "bad_fingerprint",
]);

export function exitCodeOfError(error: HoldfastError): ExitCode {
  if (USAGE_CODES.has(error.code)) return EXIT.usage;
  if (error.kind === "unauthorized") return EXIT.refused;
  return error.kind === "fatal" && error.fault === "peer" && error.code !== "not_our_peer"
    ? EXIT.refused
    : EXIT.failed;
}

export function exitCodeOfEnd(reason: EndReason): ExitCode {
  switch (reason.code) {
    case "closed":
      return EXIT.ok;
    case "replaced":
      return EXIT.refused;
    case "gave_up":
    case "vetoed":
      return EXIT.gaveUp;
    case "failed":
    case "not_reconnecting":
      return reason.error === undefined ? EXIT.failed : exitCodeOfError(reason.error);
  }
}
