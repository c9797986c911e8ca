// What a server says of files, before anybody believes it: names that are paths are left out, numbers are bounded.
import type { FileStat, FileType } from "../plugin/files.ts";
import { peerText } from "../plugin/peer-text.ts";

/** What SFTP gives of a file; a server may leave out any of it. */
export interface SftpAttributes {
  readonly mode?: number;
  readonly size?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
}

const TYPE_BITS = 0o170000;
const TYPES: Readonly<Record<number, FileType>> = {
  0o100000: "file",
  0o040000: "directory",
  0o120000: "symlink",
};

export function typeOf({ mode }: SftpAttributes): FileType {
  return TYPES[(mode ?? 0) & TYPE_BITS] ?? "other";
}

export function fileStat(attributes: SftpAttributes): FileStat {
  const { mode, size = 0, mtime } = attributes;
  return {
    type: typeOf(attributes),
    size: Math.min(Math.max(0, size), Number.MAX_SAFE_INTEGER),
    mode: mode === undefined ? undefined : mode & 0o7777,
    modifiedMs: mtime === undefined ? undefined : mtime * 1_000,
  };
}

/** Whether it is one name; a name that is a path is reported. `.` and `..` are in every list. */
export function isName(name: string, path: string, warn: (text: string) => void): boolean {
  if (name === "." || name === "..") return false;
  const why = fault(name);
  if (why !== undefined) warn(`${peerText(path)}: the entry "${peerText(name)}" is left out: ${why}`);
  return why === undefined;
}

function fault(name: string): string | undefined {
  if (name === "") return "it has no name";
  if (name.includes("/")) return "its name is a path";
  if (name.includes("\0")) return "its name has a NUL in it";
  // Another name would be sent back than the one that came.
  return name.includes("\uFFFD") ? "its name is not UTF-8" : undefined;
}
