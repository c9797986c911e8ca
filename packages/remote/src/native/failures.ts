// The failures that this folder makes itself, and what the end of a stream means to whoever was in the middle of it.
import { HoldfastError } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import { streamFailure, type SessionHandle } from "@holdfast/net/session";

/** The failure of a server that has gone with its sessions: the present one is over, and another may begin. */
export const SERVER_GONE = "server_gone";

/** What was under way when the session was lost, or closed. */
export function linkLost(cause?: unknown): HoldfastError {
  const message = "the session with the machine has ended; nobody knows how far this came";
  const hint = "look at the machine before you do it again";
  return new HoldfastError({ code: "link_lost", message, hint, cause });
}

/** What is asked for afterwards. */
export function notConnected(): HoldfastError {
  const message = "there is no session with the machine any more";
  const hint = "wait for the next link of the connection, and ask that one";
  return new HoldfastError({ code: "not_connected", message, hint });
}

/** Why a stream was broken off: `link_lost` if its session is over, else what the other end said. */
export function streamBroken(
  stream: SessionStream,
  session: Pick<SessionHandle, "end">,
): HoldfastError | undefined {
  const failure = streamFailure(stream);
  if (failure === undefined) return undefined;
  if (session.end !== undefined || failure.code === "session_lost") return linkLost(failure);
  if (ending(stream) !== RESET.notProcessed) return failure;
  const message = "the other end of the session serves no such machine";
  const hint = "check the name of the connection, and that both ends are of the same version";
  return new HoldfastError({
    code: "unsupported",
    message,
    hint,
    kind: "fatal",
    fault: "peer",
    cause: failure,
  });
}

/** A session that cannot take another stream. */
export function openFailure(thrown: unknown): HoldfastError {
  const failure = HoldfastError.from(thrown);
  return failure.code === "session_ended" ? notConnected() : failure;
}

/** The other end does not keep to the rules. */
export function badRecord(message: string): HoldfastError {
  const hint = "the two ends are probably of versions that do not fit: update the older one";
  return new HoldfastError({ code: "bad_record", message, hint, fault: "peer" });
}

function ending({ received, sent }: SessionStream): number | undefined {
  const reset = [received, sent].find((end) => end?.type === "reset");
  return reset?.type === "reset" ? reset.code : undefined;
}
