// A file of another machine, written piece by piece from what comes, however much that is.
import { HoldfastError } from "@holdfast/core";
import type { Files } from "@holdfast/remote";

/** What is sent at a time, in bytes. */
const PIECE_BYTES = 1_048_576;

export interface WriteFarFileOptions {
  readonly change: <T>(write: (files: Files) => Promise<T>) => Promise<T>;
  readonly path: string;
  readonly source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly append: boolean;
}

/**
 * Not atomic: what is there is replaced by the first piece.
 * @returns how many bytes were written.
 * @throws HoldfastError what the machine says; `cannot_read` if there is no more from the source than some of it.
 */
export async function writeFarFile({ change, path, source, append }: WriteFarFileOptions): Promise<number> {
  let pieces: Uint8Array[] = [];
  let waiting = 0;
  let written = 0;
  let appending = append;
  const send = async (): Promise<void> => {
    const bytes = Buffer.concat(pieces);
    pieces = [];
    waiting = 0;
    await change((files) => files.write(path, bytes, { append: appending }));
    appending = true;
    written += bytes.length;
  };
  for await (const piece of readable(source)) {
    pieces.push(piece);
    waiting += piece.length;
    if (waiting >= PIECE_BYTES) await send();
  }
  if (waiting > 0 || written === 0) await send();
  return written;
}

async function* readable(source: WriteFarFileOptions["source"]): AsyncIterable<Uint8Array> {
  try {
    yield* source;
  } catch (cause) {
    const message = `cannot read the input: ${HoldfastError.from(cause).text}`;
    throw new HoldfastError({ code: "cannot_read", message, kind: "fatal", fault: "local", cause });
  }
}
