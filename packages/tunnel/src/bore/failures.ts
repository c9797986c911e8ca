// What a client of a bore relay makes of the things that can go wrong: one table from text to failure. A text
// that is not in it, be it by one word, is transient, because giving up by mistake is the worse mistake.
import { HoldfastError, type FailureDetails } from "@holdfast/core";
import { busyRetryAfterMs, CLIENT_TEXT, RELAY_TEXT, stripPrefix } from "./texts.ts";
import { printable } from "../printable.ts";

/** What has to be known to judge a failure. */
export interface Circumstances {
  /** There was no link to this relay yet in this process. */
  readonly first: boolean;
  /** A secret is set at this end. */
  readonly secret: boolean;
}

const TABLE: Readonly<Record<string, FailureDetails>> = {
  [RELAY_TEXT.invalidSecret]: {
    code: "bad_secret",
    message: "the relay refused the secret",
    hint: "check the secret (HOLDFAST_SECRET): the relay expects another one",
    kind: "fatal",
  },
  [RELAY_TEXT.secretRequired]: secretMissing(),
  [CLIENT_TEXT.secretMissing]: secretMissing(),
  [CLIENT_TEXT.noChallenge]: {
    code: "secret_not_expected",
    message: "a secret is set, but the relay asks for none",
    hint: "unset the secret (HOLDFAST_SECRET), or give the relay the same one",
    kind: "fatal",
  },
  [RELAY_TEXT.portNotAllowed]: {
    code: "port_not_allowed",
    message: "the relay does not give out this port: it is outside its range",
    hint: "ask for another port, or for any (0)",
    kind: "fatal",
  },
  [RELAY_TEXT.permissionDenied]: {
    code: "permission_denied",
    message: "the relay may not bind this port",
    hint: "ask for a port above 1023, or for any (0)",
    kind: "fatal",
  },
  [RELAY_TEXT.portInUse]: { code: "port_in_use", message: "the port is in use at the relay" },
  [RELAY_TEXT.noPortFound]: { code: "no_port_available", message: "the relay found no free port" },
  [RELAY_TEXT.bindFailed]: { code: "bind_failed", message: "the relay could not bind the port" },
  [CLIENT_TEXT.unexpectedEof]: { code: "connection_closed", message: "the relay closed the connection" },
};

const NOT_OUR_PEER = new Set<string>([RELAY_TEXT.unparsable, RELAY_TEXT.frameTooLong, CLIENT_TEXT.notHello]);

/** The failure that an Error message of the relay, or a text of the real client, stands for. */
export function failureOfText(received: string, circumstances: Circumstances): HoldfastError {
  const text = stripPrefix(received);
  const retryAfterMs = busyRetryAfterMs(text);
  if (retryAfterMs !== undefined) return busy(text, retryAfterMs);
  if (NOT_OUR_PEER.has(text)) return notOurPeer(text);
  if (text === RELAY_TEXT.timedOut) return circumstances.secret ? silence(circumstances) : timedOut();
  const known = Object.hasOwn(TABLE, text) ? TABLE[text] : undefined;
  if (known !== undefined) return new HoldfastError({ fault: "peer", ...known });
  return new HoldfastError({
    code: "relay_error",
    message: `the relay said: ${printable(text)}`,
    fault: "peer",
  });
}

/**
 * A secret is set and the relay said nothing for so long that it seems to wait for us: it has no secret. Both
 * sides then wait for the other, and no text tells. Once a link was up this can only be a relay in trouble.
 */
export function silence(circumstances: Circumstances): HoldfastError {
  if (!circumstances.first) return timedOut();
  return new HoldfastError({
    code: "no_challenge",
    message:
      "a secret is set, and the relay said nothing: either it has no secret, or it does not answer at all",
    hint: "unset the secret (HOLDFAST_SECRET) or give the relay the same one, and check that the relay is well",
    kind: "fatal",
    fault: "peer",
  });
}

/** Garbage where a message of bore was due. The engine ends a line that never was connected, else it waits. */
export function notOurPeer(detail: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: "not_our_peer",
    message: `what answers there does not speak the bore protocol: ${printable(detail)}`,
    hint: "check the relay's host and port",
    kind: "fatal",
    fault: "peer",
    cause,
  });
}

/** The relay, or something between, ended the connection. */
export function connectionClosed(cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: "connection_closed",
    message: "the relay closed the connection",
    fault: "peer",
    cause,
  });
}

export function timedOut(): HoldfastError {
  return new HoldfastError({ code: "timed_out", message: "the relay did not answer in time" });
}

function busy(text: string, retryAfterMs: number): HoldfastError {
  return new HoldfastError({
    code: "busy",
    message: `the relay is ${printable(text)}`,
    kind: "throttled",
    fault: "peer",
    retryAfterMs,
  });
}

function secretMissing(): FailureDetails {
  return {
    code: "secret_required",
    message: "the relay asks for a secret, and none is set",
    hint: "set HOLDFAST_SECRET to the relay's secret",
    kind: "fatal",
  };
}
