// What a daemon says when it does not do what it was asked for.
import { HoldfastError } from "@holdfast/core";

export function alreadyRunning(cause: unknown): HoldfastError {
  return new HoldfastError({
    code: "already_running",
    message: "a daemon of this user is running already",
    hint: "use it, or end it: holdfast daemon stop",
    kind: "fatal",
    fault: "local",
    cause,
  });
}

export function damagedState(path: string, setAside: string): HoldfastError {
  return new HoldfastError({
    code: "damaged_file",
    message: `${path} cannot be understood, so it was put aside as ${setAside}; what was in it does not come back`,
    hint: "connect again, or mend the file and put it back while no daemon runs",
    fault: "local",
  });
}

export function tooMany(what: string, most: number): HoldfastError {
  return new HoldfastError({
    code: "too_many",
    message: `the daemon has ${most} ${what} already`,
    hint: "disconnect some of them first",
    kind: "throttled",
    fault: "local",
    retryAfterMs: 1_000,
  });
}

export function unknownConnection(id: number): HoldfastError {
  return new HoldfastError({
    code: "unknown_id",
    message: `there is no connection with the id ${id}`,
    hint: "see: holdfast list",
    kind: "fatal",
    fault: "peer",
  });
}

export function stoppingFailure(): HoldfastError {
  const message = "the daemon is stopping";
  return new HoldfastError({ code: "stopping", message, fault: "peer" });
}

export function badRequest(message: string): HoldfastError {
  return new HoldfastError({ code: "bad_request", message, kind: "fatal", fault: "peer" });
}

/** Its only asker went before there was a connection. */
export function abandoned(): HoldfastError {
  const message = "the command that asked for it has gone";
  return new HoldfastError({ code: "abandoned", message, kind: "fatal", fault: "local" });
}
