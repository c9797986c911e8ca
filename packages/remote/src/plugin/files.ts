// Files of a machine. Paths are the far side's, relative ones from where its processes start. Names that a far side
// reports are checked before anybody sees them: one with `/`, a NUL, or `.` and `..` is left out and reported.

export type FileType = "file" | "directory" | "symlink" | "other";

export interface FileStat {
  readonly type: FileType;
  readonly size: number;
  /** Permission bits, 0 to 0o7777; undefined where the system has none. */
  readonly mode: number | undefined;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number | undefined;
}

export interface ListedFile {
  /** One name, without a path. */
  readonly name: string;
  readonly type: FileType;
}

/**
 * All reject with `not_found`, `permission_denied`, `already_exists`, `is_directory`, `not_a_directory`, `not_empty`,
 * `bad_path` (empty, or with a NUL), `bad_range`, `too_large`, `link_lost`, `not_connected` …
 */
export interface Files {
  /** At most `length` bytes from `offset`, none beyond the end; default all, up to 64 MiB, else `too_large`. */
  read(path: string, range?: { readonly offset?: number; readonly length?: number }): Promise<Uint8Array>;
  /** Replaces what is there, whose mode stays; with `append` adds to it. Not atomic. */
  write(path: string, bytes: Uint8Array, options?: { readonly append?: boolean }): Promise<void>;
  /** Of the link itself with `followSymlinks: false`. Default: of what it leads to. */
  stat(path: string, options?: { readonly followSymlinks?: boolean }): Promise<FileStat>;
  /** In the order of their names. */
  list(path: string): Promise<readonly ListedFile[]>;
  /** One that is there is `already_exists`, except with `parents`. */
  makeDirectory(path: string, options?: { readonly parents?: boolean }): Promise<void>;
  /** A file, or an empty directory; with `recursive` what is in it, too. Never follows symlinks. */
  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void>;
  /** Replaces a file that is there. */
  rename(from: string, to: string): Promise<void>;
  exists(path: string): Promise<boolean>;
}
