// The code of an error of the operating system (`ENOENT`), or whatever says most of anything else.
export function errorCode(thrown: unknown): string {
  if (thrown instanceof Error) {
    const code = (thrown as NodeJS.ErrnoException).code;
    return code ?? thrown.message;
  }
  return String(thrown);
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "there is something else in its place",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "the name is too long",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left",
  EDQUOT: "no space is left",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  EIO: "the device failed",
};

/** What the system means, in words; the code itself if there are none. */
export function describeSystemError(thrown: unknown): string {
  const code = errorCode(thrown);
  return WORDS[code] ?? code;
}
