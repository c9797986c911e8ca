// The error texts of bore, exactly. They are its only error codes: peers compare them as strings.

/** What a relay says in an Error message. */
export const RELAY_TEXT = {
  portInUse: "port already in use",
  permissionDenied: "permission denied",
  bindFailed: "failed to bind to port",
  portNotAllowed: "client port number not in allowed range",
  noPortFound: "failed to find an available port",
  invalidSecret: "invalid secret",
  secretRequired: "server requires secret, but no secret was provided",
  timedOut: "timed out waiting for initial message",
  unparsable: "unable to parse message",
  frameTooLong: "frame error, invalid byte length",
} as const;

/** What a client says of itself; never sent, but kept word for word because scripts look for it. */
export const CLIENT_TEXT = {
  secretMissing: "server requires authentication, but no client secret was provided",
  noChallenge: "expected authentication challenge, but no secret was required",
  notHello: "unexpected initial non-hello message",
  unexpectedEof: "unexpected EOF",
} as const;

const BUSY = /^busy, retry in (\d+(?:\.\d+)?) s$/;
const SERVER_ERROR = "server error: ";

/** The hint of a relay that cannot take a tunnel now. Real clients print it and end. */
export function busyText(retryAfterMs: number): string {
  return `busy, retry in ${(Math.max(0, retryAfterMs) / 1_000).toFixed(1)} s`;
}

/** How long a busy relay asked us to stay away, in milliseconds; `undefined` if this is another text. */
export function busyRetryAfterMs(text: string): number | undefined {
  const seconds = BUSY.exec(stripPrefix(text))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** The text without the words that the real client puts before it. */
export function stripPrefix(text: string): string {
  return text.startsWith(SERVER_ERROR) ? text.slice(SERVER_ERROR.length) : text;
}
