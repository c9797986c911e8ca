// Files of a container that has sh: each request is one exec, run by the user that runs the processes, so that both see
// the same files with the same permissions, in volumes and in /proc, too.
import type { Files, FileStat, FileType, ListedFile } from "../../plugin/files.ts";
import type { ExecPlace } from "../process/exec.ts";
import { run, tooLarge, type RunOptions } from "../process/run.ts";
import { quoted } from "../../plugin/peer-text.ts";
import { absolutePath, checkRange, fileError, isName, shown } from "./paths.ts";
import { LIST, MAKE_DIRECTORY, MESSAGES, PROBLEMS, READ, REMOVE, RENAME, STAT, WRITE } from "./scripts.ts";

export interface FilesPlace {
  readonly place: ExecPlace;
  /** Where relative paths begin. */
  readonly directory: string;
  readonly warn: (text: string) => void;
}

/** The most that is read at once. */
export const MOST_READ_BYTES: number = 64 * 1_024 * 1_024;
const MOST_LIST_BYTES = 16 * 1_024 * 1_024;
const TYPES: Readonly<Record<string, FileType>> = { f: "file", d: "directory", l: "symlink", o: "other" };
const MODE_TYPES: Readonly<Record<number, FileType>> = { 0x8: "file", 0x4: "directory", 0xa: "symlink" };

export class ExecFiles implements Files {
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
    if (length === 0) return new Uint8Array();
    const all = length === undefined || length > MOST_READ_BYTES;
    // One more than may be, so that a file that grows is seen to be too large.
    const wanted = all ? MOST_READ_BYTES + 1 : length;
    const args = [String(offset), String(all ? MOST_READ_BYTES : wanted), all ? "all" : "range"];
    const bytes = await this.#run(READ, path, args, { mostOutput: MOST_READ_BYTES });
    if (bytes.length > MOST_READ_BYTES) throw tooLarge(MOST_READ_BYTES);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async write(
    path: string,
    bytes: Uint8Array,
    { append = false }: { readonly append?: boolean } = {},
  ): Promise<void> {
    await this.#run(WRITE, path, [append ? "append" : "replace"], { stdin: bytes });
  }

  async stat(
    path: string,
    { followSymlinks = true }: { readonly followSymlinks?: boolean } = {},
  ): Promise<FileStat> {
    const answer = (await this.#run(STAT, path, [followSymlinks ? "follow" : "itself"])).toString();
    const [, mode, size, seconds] = /^([0-9a-f]+) (\d+) (\d+)/.exec(answer) ?? [];
    if (mode === undefined) throw fileError("failed", path, "the container's stat gave no answer");
    const bits = Number.parseInt(mode, 16);
    return {
      type: MODE_TYPES[bits >> 12] ?? "other",
      size: Number(size),
      mode: bits & 0o7777,
      modifiedMs: Number(seconds) * 1_000,
    };
  }

  async list(path: string): Promise<readonly ListedFile[]> {
    const answer = await this.#run(LIST, path, [], { mostOutput: MOST_LIST_BYTES });
    const entries = answer.toString().split("\0").slice(0, -1);
    const good = entries.filter((entry) => isName(entry.slice(1)));
    if (good.length < entries.length) {
      const left = entries.length - good.length;
      this.#files.warn(
        `${left} names in ${shown(path)} are left out: they are no text, or none that can be used`,
      );
    }
    return good
      .map((entry) => ({ name: entry.slice(1), type: TYPES[entry.charAt(0)] ?? "other" }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async makeDirectory(path: string, { parents = false }: { readonly parents?: boolean } = {}): Promise<void> {
    await this.#run(MAKE_DIRECTORY, path, [parents ? "parents" : "one"]);
  }

  async remove(path: string, { recursive = false }: { readonly recursive?: boolean } = {}): Promise<void> {
    await this.#run(REMOVE, path, [recursive ? "recursive" : "one"]);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#run(RENAME, from, [this.#absolute(to)]);
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.stat(path, { followSymlinks: false });
      return true;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === "not_found" || code === "not_a_directory") return false;
      throw error;
    }
  }

  async #run(
    script: string,
    path: string,
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<Buffer> {
    const { place } = this.#files;
    place.life.check();
    const command = ["sh", "-c", script, "holdfast", this.#absolute(path), ...args];
    const { code, stdout, stderr } = await run(place, command, options);
    if (code === 0) return stdout;
    const problem = PROBLEMS[code];
    if (problem !== undefined) throw fileError(problem[0], path, problem[1]);
    const why = stderr.trim().split("\n").at(-1) ?? "";
    const known = MESSAGES.find(([pattern]) => pattern.test(why))?.[1] ?? "failed";
    throw fileError(known, path, quoted(why));
  }

  #absolute(path: string): string {
    return absolutePath(path, this.#files.directory);
  }
}
