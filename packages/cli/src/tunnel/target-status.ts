// How one target of a native tunnel stands: its line carries it, but without a port of its own it is not connected,
// whatever the line says.
import { HoldfastError, type EndReason, type Status } from "@holdfast/core";
import type { TargetPhase } from "@holdfast/tunnel";

/** A clock's two faces, in milliseconds. */
export interface Now {
  readonly mono: number;
  readonly wall: number;
}

/** `bound`: it had a port before. */
export function statusOfTarget(line: Status, phase: TargetPhase, bound: boolean, now: Now): Status {
  const { epoch, failures, since, lastHeard, failure, draining } = line;
  const common = { epoch, failures, since, lastHeard, failure, draining };
  const end = endOfTarget(phase);
  if (end !== undefined)
    return { ...common, failure: end.error, attempt: 0, state: "disconnected", reason: end };
  if (line.state !== "connected") return line;
  const state = bound ? "reconnecting" : "connecting";
  switch (phase.type) {
    case "unbound":
    case "binding":
      return { ...common, attempt: 1, state, phase: "dialing" };
    case "waiting": {
      const delayMs = Math.max(0, phase.retryAt - now.mono);
      const retryAt = now.wall + delayMs;
      return {
        ...common,
        failure: askedAgain(phase.failure),
        attempt: phase.refusals + 1,
        state,
        phase: "waiting",
        delayMs,
        retryAt,
      };
    }
    default:
      return line;
  }
}

/** The line is connected: what is tried again is the port, and nothing but that. */
function askedAgain({ code, text, kind, fault, hint, retryAfterMs, cause }: HoldfastError): HoldfastError {
  const message = `${text}; it is asked for again`;
  return new HoldfastError({ code, message, kind, fault, hint, retryAfterMs, cause });
}

/** Why the target will never have a port again, if that is so. */
export function endOfTarget(phase: TargetPhase): EndReason | undefined {
  if (phase.type === "refused") return { code: "failed", error: phase.failure, failures: 0 };
  if (phase.type !== "replaced") return undefined;
  const error = new HoldfastError({
    code: "replaced",
    message: "another program of the same owner has taken the port over",
    kind: "fatal",
    fault: "peer",
    hint: "end that program, or give the two of them different targets or ports",
  });
  return { code: "replaced", error, failures: 0 };
}
