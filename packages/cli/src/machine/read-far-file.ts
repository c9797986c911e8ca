// A file of another machine in pieces, whatever its size, the next one asked for while the last one is written.
import { HoldfastError } from "@holdfast/core";
import type { FileStat, Files } from "@holdfast/remote";

/** What is asked for at a time, in bytes. */
const PIECE_BYTES = 1_048_576;

export interface ReadFarFileOptions {
  /** Ask the machine, again if need be: after the loss of its link by the next one, which `again` tells. */
  readonly look: <T>(read: (files: Files, again: boolean) => Promise<T>) => Promise<T>;
  readonly path: string;
  /** @returns `false` if no more is wanted. */
  readonly write: (piece: Uint8Array) => Promise<boolean>;
}

/**
 * Over a lost link it goes on where it was, if the file is still the same.
 * @returns how many bytes there were.
 * @throws HoldfastError `file_changed` (fatal); what `look` and the machine say.
 */
export async function readFarFile({ look, path, write }: ReadFarFileOptions): Promise<number> {
  const first = await look((files) => files.stat(path));
  const read = (offset: number): Promise<Uint8Array> =>
    look(async (files, again) => {
      if (again && isOther(first, await files.stat(path))) throw changed(path, offset);
      return files.read(path, { offset, length: PIECE_BYTES });
    });
  let offset = 0;
  let next = read(0);
  for (;;) {
    const piece = await next;
    offset += piece.length;
    // A short piece is the end: files of the system say that they have 0 bytes, and have more.
    const last = piece.length < PIECE_BYTES;
    if (!last) next = read(offset);
    // Its failure is heard with the next piece, or not at all.
    next.catch(() => undefined);
    if (!(await write(piece)) || last) return offset;
  }
}

/** One that only grows, such as a log, is the same. */
function isOther(before: FileStat, now: FileStat): boolean {
  return now.size < before.size || (now.size === before.size && now.modifiedMs !== before.modifiedMs);
}

function changed(path: string, offset: number): HoldfastError {
  const message = `${path} has changed while it was read: after ${offset} bytes it is another file`;
  return new HoldfastError({
    code: "file_changed",
    message,
    hint: "read it again",
    kind: "fatal",
    fault: "peer",
  });
}
