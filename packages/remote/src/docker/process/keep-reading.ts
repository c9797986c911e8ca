// A stream of Node's whose write fails is done for as a whole: what is still to be read of it is lost, or never read. A
// process that ends without reading its input (`head -1`) makes writes fail just when its output is on the way: reading
// has to go on.
import type { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/** What a stream is made of, below its checks. */
interface Inside {
  _write: (this: Duplex, chunk: unknown, encoding: BufferEncoding, done: Done) => void;
  _writev?: ((this: Duplex, chunks: unknown, done: Done) => void) | null;
  _final?: (this: Duplex, done: Done) => void;
}

/** A failed write counts as written: nobody reads there any more. Whoever uses the stream destroys it in the end. */
export function keepReading(stream: Duplex): void {
  // There is no other way to say this of a stream that somebody else has made.
  const inside = stream as unknown as Inside;
  const write = inside._write.bind(stream);
  inside._write = (chunk, encoding, done) => write(chunk, encoding, () => done());
  const writeAll = inside._writev?.bind(stream);
  if (writeAll !== undefined) inside._writev = (chunks, done) => writeAll(chunks, () => done());
  const end = inside._final?.bind(stream);
  if (end !== undefined) inside._final = (done) => end(() => done());
}
