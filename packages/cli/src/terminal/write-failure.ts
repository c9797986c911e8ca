// What stdout could not take. A reader that went away is nobody's failure; a disk that is full is.
import { describeSystemError } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";

/** The reader of a pipe, or the terminal, is gone. */
const READER_IS_GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "EIO"]);

export interface WriteFailure {
  readonly error: HoldfastError | undefined;
}

/** Remember the first failure of this stream that is one. */
export function watchWrites(stream: NodeJS.WriteStream): WriteFailure {
  const seen: { error: HoldfastError | undefined } = { error: undefined };
  stream.on("error", (thrown: NodeJS.ErrnoException) => {
    if (READER_IS_GONE.has(thrown.code)) return;
    seen.error ??= new HoldfastError({
      code: "cannot_write",
      message: `cannot write to stdout: ${describeSystemError(thrown)}`,
      fault: "local",
      cause: thrown,
    });
  });
  return seen;
}
