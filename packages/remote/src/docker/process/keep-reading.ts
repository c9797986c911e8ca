// A socket of Node's destroys itself when a write fails, with all that is still to be read. A process that ends without
// reading its input (`head -1`) makes writes fail just when its output is on the way: reading has to go on.
import type { Duplex } from "node:stream";

interface States {
  readonly _readableState?: { autoDestroy: boolean };
  readonly _writableState?: { autoDestroy: boolean };
}

/** A failed write is an `error` event and no more. Whoever uses the stream destroys it in the end. */
export function keepReading(stream: Duplex): void {
  // There is no other way to say this of a stream that somebody else has made.
  const { _readableState: readable, _writableState: writable } = stream as unknown as States;
  if (readable !== undefined) readable.autoDestroy = false;
  if (writable !== undefined) writable.autoDestroy = false;
}
