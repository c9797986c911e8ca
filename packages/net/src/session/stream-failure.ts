// Why a stream was broken off, as an error for those who were in the middle of it.
import { HoldfastError, type Fault } from "@holdfast/core";
import { RESET, type SessionStream, type StreamEnd } from "@holdfast/core/session";

const REASONS: Readonly<Record<number, string>> = {
  [RESET.cancelled]: "it was cancelled",
  [RESET.notProcessed]: "it was never looked at, so it is safe to try again",
  [RESET.timeout]: "it took too long",
  [RESET.socketFailed]: "the connection behind it broke",
  [RESET.unreachable]: "what it leads to cannot be reached",
  [RESET.limit]: "there are too many already",
  [RESET.replaced]: "another instance has taken its place",
  [RESET.sessionLost]: "the session was lost",
  [RESET.noReader]: "nobody reads it",
};

/** What broke the stream; `undefined` if nothing did (so far). */
export function streamFailure(stream: SessionStream): HoldfastError | undefined {
  const end = [stream.received, stream.sent].find((side) => side?.type === "reset");
  return end === undefined ? undefined : failureOf(end);
}

function failureOf(end: StreamEnd): HoldfastError | undefined {
  if (end.type !== "reset") return undefined;
  const lost = end.code === RESET.sessionLost;
  const fault: Fault = lost ? "network" : end.by === "us" ? "local" : "peer";
  const why = REASONS[end.code] ?? `code ${end.code}`;
  return new HoldfastError({
    code: lost ? "session_lost" : "stream_reset",
    message: `the stream was broken off ${end.by === "us" ? "here" : "by the other side"}: ${why}`,
    fault,
  });
}
