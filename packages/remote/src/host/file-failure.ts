// What the system says about a file, as a `HoldfastError` that names the path and what was to be done with it.
import { HoldfastError } from "@holdfast/core";
import { peerText } from "../plugin/peer-text.ts";

/** No path of a system is longer. */
const MOST_PATH = 4_096;

/** What the system calls it, what we call it, and how it is said. */
const KNOWN: Readonly<Record<string, readonly [code: string, text: string]>> = {
  ENOENT: ["not_found", "there is no such file or directory"],
  EACCES: ["permission_denied", "permission denied"],
  EPERM: ["permission_denied", "operation not permitted"],
  EROFS: ["permission_denied", "the file system is read-only"],
  EEXIST: ["already_exists", "it is there already"],
  EISDIR: ["is_directory", "it is a directory"],
  ENOTDIR: ["not_a_directory", "it, or a part of its path, is not a directory"],
  ENOTEMPTY: ["not_empty", "the directory is not empty"],
  ELOOP: ["too_many_links", "too many symbolic links"],
  ENAMETOOLONG: ["bad_path", "the name is too long"],
  ENOSPC: ["no_space", "no space is left"],
  EDQUOT: ["no_space", "the quota is used up"],
  EFBIG: ["too_large", "the file would be too large"],
  EXDEV: ["other_file_system", "it would lead to another file system"],
  ENXIO: ["not_a_file", "nobody reads from this pipe or device"],
  EMFILE: ["too_many_open_files", "no file descriptors are left"],
  ENFILE: ["too_many_open_files", "no file descriptors are left"],
};

/** `verb` completes "could not …". */
export function fileFailure(verb: string, path: string, thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const system = (thrown as { code?: unknown } | null)?.code;
  const known = typeof system === "string" ? KNOWN[system] : undefined;
  const [code, text] = known ?? [HoldfastError.from(thrown).code, "the system refused"];
  return pathFailure(code, `could not ${verb} ${printablePath(path)}: ${text}`, thrown);
}

/** A failure of this side that trying again does not mend. */
export function pathFailure(code: string, message: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code, message, kind: "fatal", fault: "local", cause });
}

/** With control bytes escaped, since names come from anywhere. */
export function printablePath(path: string): string {
  return peerText(path, MOST_PATH);
}
