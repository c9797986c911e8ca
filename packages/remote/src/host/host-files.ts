// Files of this machine. Opened without waiting, so that a pipe that nobody feeds holds up no thread.
import { isUtf8 } from "node:buffer";
import { constants, type Stats } from "node:fs";
import {
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  type FileHandle,
} from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { ownPlatform } from "../children.ts";
import type { Files, FileStat, FileType, ListedFile } from "../plugin/files.ts";
import { fileFailure, pathFailure, printablePath } from "./file-failure.ts";
import type { HostLife } from "./host-life.ts";
import type { HostLimits } from "./host-limits.ts";

export interface HostFilesOptions {
  readonly life: HostLife;
  readonly limits: HostLimits;
  /** Where relative paths begin. */
  readonly directory: string;
  readonly warn: (text: string) => void;
}

type Range = { readonly offset?: number; readonly length?: number };

const PIECE_BYTES = 262_144;
// Windows has no such flag, and no such pipes.
const WITHOUT_WAITING: number = constants.O_NONBLOCK ?? 0;
const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;
const NEW_FILE_MODE = 0o666;

export class HostFiles implements Files {
  readonly #options: HostFilesOptions;

  constructor(options: HostFilesOptions) {
    this.#options = options;
  }

  read(path: string, range: Range = {}): Promise<Uint8Array> {
    return this.#at("read", path, async (file) => {
      checkRange(range);
      return withFile(file, O_RDONLY, (handle) => this.#readRange(handle, file, range));
    });
  }

  write(path: string, bytes: Uint8Array, { append = false }: { append?: boolean } = {}): Promise<void> {
    const flags = O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC);
    return this.#at("write", path, (file) => withFile(file, flags, (handle) => handle.writeFile(bytes)));
  }

  stat(path: string, { followSymlinks = true }: { followSymlinks?: boolean } = {}): Promise<FileStat> {
    return this.#at("look at", path, async (file) =>
      fileStat(await (followSymlinks ? stat(file) : lstat(file))),
    );
  }

  list(path: string): Promise<readonly ListedFile[]> {
    return this.#at("list", path, async (file) => {
      const entries = await readdir(file, { withFileTypes: true, encoding: "buffer" });
      if (entries.length > this.#options.limits.listedFiles) {
        throw pathFailure("too_large", `${printablePath(path)} has more entries than can be listed`);
      }
      const listed = entries.flatMap((entry) => {
        if (isUtf8(entry.name)) return [{ name: entry.name.toString(), type: typeOf(entry) }];
        this.#options.warn(`a name in ${printablePath(path)} was left out: it is not UTF-8`);
        return [];
      });
      return listed.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  makeDirectory(path: string, { parents = false }: { parents?: boolean } = {}): Promise<void> {
    return this.#at("make", path, async (file) => void (await mkdir(file, { recursive: parents })));
  }

  remove(path: string, { recursive = false }: { recursive?: boolean } = {}): Promise<void> {
    return this.#at("remove", path, async (file) => {
      const itself = withoutSlash(path, file);
      if (!(await lstat(itself)).isDirectory()) return unlink(itself);
      return recursive ? rm(itself, { recursive }) : rmdir(itself);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#at("rename", from, async (file) => rename(file, this.#absolute(to)));
  }

  exists(path: string): Promise<boolean> {
    return this.#at("look at", path, (file) =>
      lstat(file).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
          throw error;
        },
      ),
    );
  }

  #at<T>(verb: string, path: string, work: (file: string) => Promise<T>): Promise<T> {
    return this.#options.life.run(async () => {
      try {
        return await work(this.#absolute(path));
      } catch (error) {
        throw fileFailure(verb, path, error);
      }
    });
  }

  #absolute(path: string): string {
    if (path === "" || path.includes("\0")) {
      throw pathFailure("bad_path", "a path must not be empty, or have a NUL in it");
    }
    // Not `resolve`: it takes `..` out of the text, where the system would follow links first.
    return isAbsolute(path) ? path : `${this.#options.directory}/${path}`;
  }

  /** What is there may be endless, or grow meanwhile: its size is only believed where it says too much. */
  async #readRange(handle: FileHandle, path: string, { offset, length }: Range): Promise<Uint8Array> {
    const most = this.#options.limits.readBytes;
    const wanted = length ?? most + 1;
    if (length !== undefined && length > most) throw tooLarge(path, most);
    const { size } = await handle.stat();
    if (length === undefined && size - (offset ?? 0) > most) throw tooLarge(path, most);
    const pieces: Buffer[] = [];
    let count = 0;
    while (count < wanted) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, wanted - count));
      const position = offset === undefined ? null : offset + count;
      const { bytesRead } = await handle.read(piece, 0, piece.length, position);
      if (bytesRead === 0) break;
      pieces.push(piece.subarray(0, bytesRead));
      count += bytesRead;
      // Nobody waits any more: an endless file is not read to its limit.
      this.#options.life.signal.throwIfAborted();
    }
    if (count > most) throw tooLarge(path, most);
    return Buffer.concat(pieces, count);
  }
}

async function withFile<T>(file: string, flags: number, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(file, flags | WITHOUT_WAITING, NEW_FILE_MODE);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

function fileStat(stats: Stats): FileStat {
  const mode = ownPlatform() === "win32" ? undefined : stats.mode & 0o7777;
  return { type: typeOf(stats), size: stats.size, mode, modifiedMs: stats.mtimeMs };
}

function typeOf(one: Pick<Stats, "isFile" | "isDirectory" | "isSymbolicLink">): FileType {
  if (one.isFile()) return "file";
  if (one.isDirectory()) return "directory";
  return one.isSymbolicLink() ? "symlink" : "other";
}

function checkRange({ offset = 0, length = 0 }: Range): void {
  if ([offset, length].every((one) => Number.isSafeInteger(one) && one >= 0)) return;
  throw pathFailure("bad_range", "the offset and the length of a range are whole numbers from 0");
}

/** What is to be removed: a slash, or a dot, at the end of a link's name would lead to what the link leads to. */
function withoutSlash(path: string, file: string): string {
  const itself = file.replace(/\/+$/, "");
  const last = basename(itself);
  if (last !== "" && last !== "." && last !== "..") return itself;
  throw pathFailure("bad_path", `${printablePath(path)} is not removed: name what is to go`);
}

function tooLarge(path: string, most: number): ReturnType<typeof pathFailure> {
  return pathFailure(
    "too_large",
    `${printablePath(path)}: more than ${most} bytes at once; read it in ranges`,
  );
}
