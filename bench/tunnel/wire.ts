// What visitors and the service of the benches say to each other.

export const MODE = {
  /** What comes goes back. */
  echo: "e",
  /** One byte for every `REQUEST_BYTES`. */
  request: "r",
  /** Everything is swallowed; the count is the answer to the end. */
  sink: "s",
  /** Bytes for as long as somebody reads. */
  source: "d",
  /** A hashed transfer both ways. */
  transfer: "t",
} as const;

export const REQUEST_BYTES = 200;
/** A slow reader pauses this long after each read, in milliseconds. */
export const SLOW_READ_MS = 1;
