// What the engine's refusals mean. Docker and podman say the same thing with different numbers: an exec in a stopped
// container is 409 for one, 500 "container state improper" for the other.
import { HoldfastError } from "@holdfast/core";
import { peerText } from "../../plugin/peer-text.ts";

const MOST_TEXT = 500;
const STOPPED =
  /container state improper|is not running|not running|can only create exec sessions on running/i;
const PAUSED = /is paused/i;
const NO_PROGRAM = /executable file not found|no such file or directory|stat .*: no such/i;
const DENIED = /permission denied/i;
const LOST = new Set(["ECONNRESET", "EPIPE", "ECONNREFUSED", "ENOENT", "ETIMEDOUT", "ECONNABORTED"]);

/** Turn what dockerode threw into an error of ours. `engine` is the address, for people. */
export function engineFailure(thrown: unknown, what: string, engine: string): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  return failureOf(thrown, peerText(what), engine);
}

function failureOf(thrown: unknown, what: string, engine: string): HoldfastError {
  const { code, statusCode } = thrown as { code?: unknown; statusCode?: unknown };
  if (typeof statusCode === "number") return refusal(statusCode, textOf(thrown), what, thrown);
  if (code === "EACCES" || code === "EPERM") {
    const message = `${what}: no permission for ${engine}`;
    const hint = "be in the engine's group, or name another socket (option socket, DOCKER_HOST)";
    return new HoldfastError({
      code: "permission_denied",
      message,
      hint,
      kind: "fatal",
      fault: "local",
      cause: thrown,
    });
  }
  if (typeof code === "string" && LOST.has(code)) return unreachable(what, engine, code, thrown);
  return unreachable(what, engine, textOf(thrown), thrown);
}

/** Nobody answers at the socket, or the connection ended in the middle. */
function unreachable(what: string, engine: string, why: string, cause?: unknown): HoldfastError {
  const message = `${what}: no engine at ${engine} (${why})`;
  const hint = "is docker or podman's service running? Its socket is named by option socket or DOCKER_HOST";
  return new HoldfastError({ code: "engine_unreachable", message, hint, cause });
}

/** The engine took a call and gave no answer in time. */
export function noAnswer(what: string, timeoutMs: number): HoldfastError {
  const message = `${peerText(what)}: the engine gave no answer within ${timeoutMs / 1_000} s`;
  return new HoldfastError({ code: "timed_out", message, hint: "the engine may hang; look at its log" });
}

function refusal(status: number, text: string, what: string, cause: unknown): HoldfastError {
  const message = `${what}: ${text}`;
  if ((status === 409 || status === 500) && PAUSED.test(text)) {
    return new HoldfastError({ code: "container_paused", message, fault: "peer", cause });
  }
  if ((status === 409 || status === 500) && STOPPED.test(text)) {
    return new HoldfastError({ code: "container_stopped", message, fault: "peer", cause });
  }
  if (status === 404) return fatal("not_found", message, cause);
  if (status === 409) return new HoldfastError({ code: "conflict", message, fault: "peer", cause });
  if (status === 401 || status === 403) return fatal("permission_denied", message, cause);
  if (NO_PROGRAM.test(text)) return fatal("not_found", message, cause);
  if (DENIED.test(text)) return fatal("permission_denied", message, cause);
  if (status < 500) return fatal("engine_refused", message, cause);
  return new HoldfastError({ code: "engine_failed", message, fault: "peer", cause });
}

function fatal(code: string, message: string, cause: unknown): HoldfastError {
  return new HoldfastError({ code, message, kind: "fatal", fault: "peer", cause });
}

function textOf(thrown: unknown): string {
  const { message } = thrown as { message?: unknown };
  const text = typeof message === "string" ? message : String(thrown);
  return peerText(text.trim(), MOST_TEXT);
}
