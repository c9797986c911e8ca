// Files of a container without sh, by the engine's archive API: as the engine's user, root, and without what no archive
// can do, which is refused: appending, renaming, removing.
import type { Header } from "tar-stream";
import type { Files, FileStat, FileType, ListedFile } from "../../plugin/files.ts";
import type { PathStat } from "../engine/types.ts";
import { unsupported } from "../process/docker-process.ts";
import { archiveOf, walkArchive } from "./archive.ts";
import { MOST_READ_BYTES, type FilesPlace } from "./exec-files.ts";
import { absolutePath, checkRange, fileError, isName, shown, splitPath } from "./paths.ts";
import { tooLarge } from "../process/run.ts";

const GO_DIRECTORY = 2 ** 31;
const GO_SYMLINK = 2 ** 27;
/** Devices, pipes, sockets, irregular files. */
const GO_OTHER = [2 ** 26, 2 ** 25, 2 ** 24, 2 ** 19];
const GO_SPECIAL_BITS = [
  [2 ** 23, 0o4000],
  [2 ** 22, 0o2000],
  [2 ** 20, 0o1000],
] as const;
const MOST_LINKS = 8;
const MOST_NAMES = 100_000;
const TAR_TYPES: Readonly<Record<string, FileType>> = {
  file: "file",
  "contiguous-file": "file",
  directory: "directory",
  symlink: "symlink",
};

export class ArchiveFiles implements Files {
  readonly #files: FilesPlace;

  constructor(files: FilesPlace) {
    this.#files = files;
  }

  async read(
    path: string,
    range: { readonly offset?: number; readonly length?: number } = {},
  ): Promise<Uint8Array> {
    const { offset = 0, length } = range;
    checkRange(offset, length);
    const { place, stat } = await this.#followed(path);
    if (typeOf(stat) === "directory") throw fileError("is_directory", path, "it is a directory");
    const { engine, container, life } = this.#files.place;
    if (stat.size > MOST_READ_BYTES) throw tooLarge(MOST_READ_BYTES);
    const source = await engine.getArchive(container, place, life.signal);
    let found = false;
    const first = (): "read" | "stop" => (found ? "stop" : ((found = true), "read"));
    const [entry] = await this.#orLost(walkArchive(source, first, MOST_READ_BYTES));
    if (entry === undefined || TAR_TYPES[entry.header.type ?? ""] !== "file") {
      throw fileError("failed", path, "the engine gave something else for it");
    }
    return new Uint8Array(entry.bytes.subarray(offset, length === undefined ? undefined : offset + length));
  }

  async write(
    path: string,
    bytes: Uint8Array,
    { append = false }: { readonly append?: boolean } = {},
  ): Promise<void> {
    if (append) throw unsupported("appending needs sh in the container, which has none");
    const { engine, container, life } = this.#files.place;
    const before = await this.#followed(path).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== "not_found") throw error;
      return undefined;
    });
    if (before !== undefined && typeOf(before.stat) === "directory") {
      throw fileError("is_directory", path, "it is a directory");
    }
    const { folder, name } = splitPath(before?.place ?? this.#absolute(path));
    const mode = before === undefined ? 0o644 : permissionsOf(before.stat);
    const tar = await archiveOf({ name, mode, size: bytes.length, type: "file" }, bytes);
    await engine.putArchive(container, folder, tar, life.signal).catch(this.#explain(path));
  }

  async stat(
    path: string,
    { followSymlinks = true }: { readonly followSymlinks?: boolean } = {},
  ): Promise<FileStat> {
    const stat = followSymlinks
      ? (await this.#followed(path)).stat
      : await this.#stat(this.#absolute(path), path);
    return { type: typeOf(stat), size: stat.size, mode: permissionsOf(stat), modifiedMs: undefined };
  }

  /** The engine sends all that is below, of which the names of the first level are kept. */
  async list(path: string): Promise<readonly ListedFile[]> {
    const { place, stat } = await this.#followed(path);
    if (typeOf(stat) !== "directory") throw fileError("not_a_directory", path, "it is not a directory");
    const { engine, container, life } = this.#files.place;
    const source = await engine.getArchive(container, place, life.signal);
    const found = new Map<string, FileType>();
    let left = 0;
    const top = splitPath(place).name;
    const visit = (header: Header): "skip" => {
      const name = directName(header.name, top);
      if (name === undefined) return "skip";
      if (found.size >= MOST_NAMES) throw tooLarge(MOST_NAMES);
      if (isName(name)) found.set(name, TAR_TYPES[header.type ?? ""] ?? "other");
      else left += 1;
      return "skip";
    };
    await this.#orLost(walkArchive(source, visit, 0));
    if (left > 0) this.#files.warn(`${left} names in ${shown(path)} are left out: none that can be used`);
    return [...found].map(([name, type]) => ({ name, type })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async makeDirectory(path: string, { parents = false }: { readonly parents?: boolean } = {}): Promise<void> {
    if (parents) throw unsupported("making parents needs sh in the container, which has none");
    if (await this.exists(path)) throw fileError("already_exists", path, "it exists already");
    const { engine, container, life } = this.#files.place;
    const { folder, name } = splitPath(this.#absolute(path));
    const tar = await archiveOf({ name, mode: 0o755, type: "directory" }, new Uint8Array());
    await engine.putArchive(container, folder, tar, life.signal).catch(this.#explain(path));
  }

  remove(): Promise<void> {
    return this.#refuse("removing");
  }

  rename(): Promise<void> {
    return this.#refuse("renaming");
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.#stat(this.#absolute(path), path);
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code === "not_found") return false;
      throw error;
    }
  }

  /** Where a path leads, through links, which the engine resolves within the container. */
  async #followed(path: string): Promise<{ readonly place: string; readonly stat: PathStat }> {
    let place = this.#absolute(path);
    for (let links = 0; links <= MOST_LINKS; links++) {
      const stat = await this.#stat(place, path);
      if (typeOf(stat) !== "symlink") return { place, stat };
      const { folder } = splitPath(place);
      place = absolutePath(stat.linkTarget === "" ? "/" : stat.linkTarget, folder);
    }
    throw fileError("failed", path, "too many links");
  }

  #stat(place: string, path: string): Promise<PathStat> {
    const { engine, container, life } = this.#files.place;
    life.check();
    return engine.pathStat(container, place, life.signal).catch(this.#explain(path));
  }

  #explain(path: string): (error: unknown) => never {
    return (error) => {
      if ((error as { code?: unknown }).code !== "not_found") throw error;
      throw fileError("not_found", path, "there is no such file or directory");
    };
  }

  async #orLost<T>(promise: Promise<T>): Promise<T> {
    const { life } = this.#files.place;
    try {
      return await promise;
    } catch (error) {
      throw life.ended ? life.signal.reason : error;
    }
  }

  async #refuse(what: string): Promise<never> {
    this.#files.place.life.check();
    throw unsupported(`${what} needs sh in the container, which has none`);
  }

  #absolute(path: string): string {
    return absolutePath(path, this.#files.directory);
  }
}

/** The name of an entry that is directly in the folder: engines put the folder's own name in front. */
function directName(path: string, top: string): string | undefined {
  const parts = path
    .replace(/\/$/, "")
    .replace(/^\.?\/+/, "")
    .split("/");
  const [name, deeper] = parts[0] === top || top === "" ? parts.slice(top === "" ? 0 : 1) : parts;
  return deeper === undefined && name !== "" ? name : undefined;
}

function typeOf({ mode }: PathStat): FileType {
  if (has(mode, GO_DIRECTORY)) return "directory";
  if (has(mode, GO_SYMLINK)) return "symlink";
  return GO_OTHER.some((bit) => has(mode, bit)) ? "other" : "file";
}

function permissionsOf({ mode }: PathStat): number {
  const special = GO_SPECIAL_BITS.filter(([bit]) => has(mode, bit)).map(([, bits]) => bits);
  return special.reduce((all, bits) => all + bits, mode % 0o1000);
}

/** Above 31 bits, where `&` is of no use. */
function has(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1;
}
