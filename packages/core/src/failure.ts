// Every failure there is, as one class, and the one total function that turns anything thrown or received
// into it. What to do next depends on `kind` alone; the other fields are for people and programs to read.

/**
 * What a failure means for the next attempt.
 * - `fatal`: trying again cannot help.
 * - `transient`: try again after the usual delay. Unknown errors are transient.
 * - `throttled`: try again after `retryAfterMs`.
 * - `unauthorized`: ask for fresh credentials (or, with a `prompt`, for a person), then try again.
 */
export type FailureKind = "fatal" | "transient" | "throttled" | "unauthorized";

/** Who caused it: this side (`local`), the program at the other end (`peer`), or what lies between (`network`). */
export type Fault = "local" | "peer" | "network";

export interface FailureDetails {
  /** Stable and machine-readable, snake_case: `connection_refused`, `bad_secret`. */
  readonly code: string;
  /** For people: what failed and why. */
  readonly message: string;
  /** Default `transient`. */
  readonly kind?: FailureKind;
  /** Default `network`. */
  readonly fault?: Fault;
  /** The peer's hint, in milliseconds: do not come back sooner. */
  readonly retryAfterMs?: number | undefined;
  /** Only with `unauthorized`: what a person has to answer before another attempt makes sense. */
  readonly prompt?: string | undefined;
  /** For people: what to do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The error of every Holdfast library. The message starts with the code because many tools show nothing else. */
export class HoldfastError extends Error {
  override readonly name: string = "HoldfastError";
  readonly code: string;
  readonly kind: FailureKind;
  readonly fault: Fault;
  readonly retryAfterMs: number | undefined;
  readonly prompt: string | undefined;
  readonly hint: string | undefined;
  /** The message without the code. */
  readonly text: string;

  constructor(details: FailureDetails) {
    super(`${details.code}: ${details.message}`, "cause" in details ? { cause: details.cause } : undefined);
    this.code = details.code;
    this.text = details.message;
    this.kind = details.kind ?? "transient";
    this.fault = details.fault ?? "network";
    this.retryAfterMs = details.retryAfterMs;
    this.prompt = details.prompt;
    this.hint = details.hint;
  }

  /** Whether another attempt can help. */
  get retryable(): boolean {
    return this.kind !== "fatal";
  }

  /** Turn anything into a `HoldfastError`. Total: never throws, whatever it is given. */
  static from(thrown: unknown): HoldfastError {
    try {
      return thrown instanceof HoldfastError ? thrown : new HoldfastError(classify(thrown));
    } catch {
      // A revoked proxy, say: even to ask what it is throws.
      return new HoldfastError({ code: "unknown", message: "an error that cannot be read", cause: thrown });
    }
  }
}

/** What the operating system calls it, and what we call it. */
const SYSTEM_CODES: Readonly<Record<string, readonly [code: string, text: string]>> = {
  ECONNREFUSED: ["connection_refused", "connection refused"],
  ECONNRESET: ["connection_reset", "connection reset"],
  EPIPE: ["connection_reset", "connection closed by the other side"],
  ETIMEDOUT: ["timed_out", "timed out"],
  ENOTFOUND: ["name_not_resolved", "name not found"],
  EAI_AGAIN: ["name_not_resolved", "name lookup failed"],
  EHOSTUNREACH: ["unreachable", "host unreachable"],
  ENETUNREACH: ["unreachable", "network unreachable"],
  ENETDOWN: ["unreachable", "network is down"],
  EADDRNOTAVAIL: ["unreachable", "address not available"],
};

// A TypeError is a bug in the dialer, except where `fetch` reports a broken network with one.
const FETCH_FAILURE = /fetch failed|failed to fetch|networkerror|load failed|network request failed/i;
const MISUSE = /^ERR_(INVALID_|MISSING_|SOCKET_BAD_PORT|OUT_OF_RANGE)/;

function classify(thrown: unknown): FailureDetails {
  const error = firstOf(thrown);
  const code = read(error, "code");
  const message = textOf(error);
  const retryAfterMs = read(error, "retryAfterMs");
  const known = typeof code === "string" ? SYSTEM_CODES[code] : undefined;

  if (read(error, "retryable") === false) {
    return { code: nameOf(code, "failed"), message, kind: "fatal", fault: "local", cause: thrown };
  }
  if (typeof retryAfterMs === "number" && retryAfterMs >= 0) {
    return {
      code: nameOf(code, "throttled"),
      message,
      kind: "throttled",
      fault: "peer",
      retryAfterMs,
      cause: thrown,
    };
  }
  if (known !== undefined) return { code: known[0], message: known[1], cause: thrown };
  if (isProgrammingError(error, code, message)) {
    return { code: "programming_error", message, kind: "fatal", fault: "local", cause: thrown };
  }
  return { code: nameOf(code, "unknown"), message, cause: thrown };
}

function isProgrammingError(error: unknown, code: unknown, message: string): boolean {
  if (typeof code === "string") return MISUSE.test(code);
  if (error instanceof ReferenceError) return true;
  return error instanceof TypeError && !FETCH_FAILURE.test(message);
}

/** Happy eyeballs reports one error for each address; the first says most. */
function firstOf(thrown: unknown): unknown {
  if (!(thrown instanceof AggregateError)) return thrown;
  return read(thrown.errors, "0") ?? thrown;
}

function nameOf(code: unknown, otherwise: string): string {
  return typeof code === "string" && code !== "" ? code.toLowerCase() : otherwise;
}

/** What it says of itself, if it can be made to say anything. */
function textOf(error: unknown): string {
  try {
    return String(read(error, "message") || error || "unknown failure");
  } catch {
    return "unknown failure";
  }
}

/** Read a property of anything, getters that throw included. */
function read(value: unknown, key: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[key];
  } catch {
    return undefined;
  }
}
