// A stream of Node's whose write fails is done for as a whole: what is still to be read of it is lost, or never read. A
// process that ends without reading its input (`head -1`) makes writes fail just when its output is on the way: reading
// has to go on.
import type { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/** What a stream is made of, below its checks. */
interface Inside {
  _write(chunk: unknown, encoding: BufferEncoding, done: Done): void;
  _writev?: ((chunks: unknown, done: Done) => void) | null;
  _final?(done: Done): void;
}

/** A failed write counts as written: nobody reads there any more. Whoever uses the stream destroys it in the end. */
export function keepReading(stream: Duplex): void {
  // There is no other way to say this of a stream that somebody else has made.
  const inside = stream as unknown as Inside;
  const { _write: write, _writev: writeAll, _final: end } = inside;
  inside._write = (chunk, encoding, done) => write.call(stream, chunk, encoding, () => done());
  if (typeof writeAll === "function") {
    inside._writev = (chunks, done) => writeAll.call(stream, chunks, () => done());
  }
  if (end !== undefined) inside._final = (done) => end.call(stream, () => done());
}
