// Files over SFTP. The server's `Failure` says little: what it means is found out by looking at the path.
import { HoldfastError } from "@holdfast/core";
import type { FileStat, Files, ListedFile } from "../plugin/files.ts";
import { peerText } from "../plugin/peer-text.ts";
import type { SftpEntry } from "./library.ts";
import { readDirectory } from "./library.ts";
import { transferIn, transferOut } from "./sftp-bytes.ts";
import { fileStat, isName, typeOf } from "./sftp-names.ts";
import type { SftpAttributes } from "./sftp-names.ts";
import { badAnswer, STATUS, statusOf } from "./sftp-session.ts";
import type { SftpSession } from "./sftp-session.ts";

export interface SftpFilesLimits {
  /** What is read at once. Default 64 MiB. */
  readonly mostBytes?: number;
  /** Entries of one directory. Default 100,000. */
  readonly mostEntries?: number;
  /** What the names of one directory may come to. Default 16 MiB. */
  readonly mostNameBytes?: number;
  /** How deep a recursive removal goes. Default 256. */
  readonly mostDepth?: number;
}

const LIMITS: Required<SftpFilesLimits> = {
  mostBytes: 64 * 1_048_576,
  mostEntries: 100_000,
  mostNameBytes: 16 * 1_048_576,
  mostDepth: 256,
};

type Send<T> = Parameters<typeof SftpSession.prototype.ask<T>>[1];

export class SftpFiles implements Files {
  readonly #session: SftpSession;
  readonly #warn: (text: string) => void;
  readonly #limits: Required<SftpFilesLimits>;

  constructor(session: SftpSession, warn: (text: string) => void, limits: SftpFilesLimits = {}) {
    this.#session = session;
    this.#warn = warn;
    this.#limits = { ...LIMITS, ...limits };
  }

  async read(path: string, range: { offset?: number; length?: number } = {}): Promise<Uint8Array> {
    checkPath(path);
    const { offset = 0, length = Infinity } = range;
    if (!Number.isSafeInteger(offset) || offset < 0 || !(length >= 0)) throw badRange(range);
    if (length !== Infinity && !Number.isSafeInteger(length)) throw badRange(range);
    return this.#opened(path, "r", async (handle) => {
      const { type, size } = await this.#attributes(path, (sftp, settle) => sftp.fstat(handle, settle)).then(
        fileStat,
      );
      if (type === "directory") throw isDirectory(path);
      // Files that are made as they are read (/proc) say that they have no bytes.
      const known = size > 0 ? Math.min(length, Math.max(0, size - offset)) : length;
      const { mostBytes } = this.#limits;
      if (known > mostBytes && (size > 0 || length !== Infinity)) throw tooLarge(path, mostBytes);
      const bytes = await transferIn(this.#session, { path, handle, offset, length: known, mostBytes });
      if (bytes === undefined) throw tooLarge(path, mostBytes);
      return bytes;
    });
  }

  async write(
    path: string,
    bytes: Uint8Array,
    { append = false }: { readonly append?: boolean } = {},
  ): Promise<void> {
    checkPath(path);
    await this.#opened(path, append ? "a" : "w", async (handle) => {
      // Where the server appends by itself it does not look at the position; where it does not, that has to be right.
      const attributes = append
        ? await this.#attributes(path, (sftp, settle) => sftp.fstat(handle, settle))
        : {};
      await transferOut(this.#session, {
        path,
        handle,
        offset: fileStat(attributes).size,
        bytes,
        inOrder: append,
      });
    });
  }

  async stat(
    path: string,
    { followSymlinks = true }: { readonly followSymlinks?: boolean } = {},
  ): Promise<FileStat> {
    checkPath(path);
    return fileStat(
      await this.#attributes(path, (sftp, settle) =>
        followSymlinks ? sftp.stat(path, settle) : sftp.lstat(path, settle),
      ),
    );
  }

  async list(path: string): Promise<readonly ListedFile[]> {
    checkPath(path);
    const entries = await this.#entries(path);
    const listed = entries
      .filter(({ filename }) => isName(filename, path, this.#warn))
      .map(({ filename, attrs }) => ({ name: filename, type: typeOf(attrs) }));
    return listed.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  }

  async makeDirectory(path: string, { parents = false }: { readonly parents?: boolean } = {}): Promise<void> {
    checkPath(path);
    if (!parents) return this.#make(path);
    const steps = [...path.matchAll(/[^/]+/g)].map(({ 0: name, index }) =>
      path.slice(0, index + name.length),
    );
    // From the last one that is there: those above it may be closed to us.
    let first = steps.length;
    while (first > 0 && !(await this.#isDirectory(steps[first - 1] ?? ""))) first--;
    for (const step of steps.slice(first)) {
      await this.#make(step).catch(async (error: unknown) => {
        // Somebody else made it in between.
        if ((error as HoldfastError).code !== "already_exists" || !(await this.#isDirectory(step)))
          throw error;
      });
    }
  }

  async remove(path: string, { recursive = false }: { readonly recursive?: boolean } = {}): Promise<void> {
    checkPath(path);
    const { type } = await this.stat(path, { followSymlinks: false });
    if (type === "directory") await this.#removeDirectory(path, recursive, 0);
    else await this.#ask<void>(path, (sftp, settle) => sftp.unlink(path, settle));
  }

  async rename(from: string, to: string): Promise<void> {
    checkPath(from);
    checkPath(to);
    try {
      await this.#ask<void>(from, (sftp, settle) => sftp.ext_openssh_rename(from, to, settle));
    } catch (error) {
      // A server without the extension: its own rename replaces nothing.
      if (statusOf(error) !== undefined && statusOf(error) !== STATUS.unsupported) throw error;
      if (!/does not support|cannot do/.test((error as HoldfastError).text)) throw error;
      await this.#renamePlainly(from, to);
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.stat(path);
      return true;
    } catch (error) {
      if ((error as HoldfastError).code === "not_found") return false;
      throw error;
    }
  }

  async #renamePlainly(from: string, to: string): Promise<void> {
    await this.stat(from, { followSymlinks: false });
    const there = await this.stat(to, { followSymlinks: false }).catch(() => undefined);
    if (there !== undefined && there.type !== "directory") {
      await this.#ask<void>(to, (sftp, settle) => sftp.unlink(to, settle));
    }
    await this.#ask<void>(from, (sftp, settle) => sftp.rename(from, to, settle));
  }

  async #removeDirectory(path: string, recursive: boolean, depth: number): Promise<void> {
    if (depth > this.#limits.mostDepth) throw tooDeep(path);
    if (recursive) {
      for (const { name, type } of await this.list(path)) {
        const inner = `${path}/${name}`;
        if (type === "directory") await this.#removeDirectory(inner, true, depth + 1);
        else await this.#ask<void>(inner, (sftp, settle) => sftp.unlink(inner, settle));
      }
    }
    try {
      await this.#ask<void>(path, (sftp, settle) => sftp.rmdir(path, settle));
    } catch (error) {
      if (statusOf(error) !== STATUS.failure || recursive || (await this.#entries(path)).length <= 2)
        throw error;
      throw refusal("not_empty", `${peerText(path)} is not empty`);
    }
  }

  async #make(path: string): Promise<void> {
    try {
      await this.#ask<void>(path, (sftp, settle) => sftp.mkdir(path, settle));
    } catch (error) {
      if (statusOf(error) !== STATUS.failure) throw error;
      await this.stat(path, { followSymlinks: false }).catch(() => Promise.reject(error as Error));
      throw refusal("already_exists", `there is a ${peerText(path)} already`);
    }
  }

  async #isDirectory(path: string): Promise<boolean> {
    const there = await this.stat(path).catch((error: HoldfastError) => {
      if (statusOf(error) === undefined) throw error;
    });
    return there?.type === "directory";
  }

  async #entries(path: string): Promise<readonly SftpEntry[]> {
    const handle = await this.#handle(path, (sftp, settle) => sftp.opendir(path, settle)).catch(
      (error: unknown) => this.#whyNoDirectory(path, error),
    );
    const entries: SftpEntry[] = [];
    const { mostEntries, mostNameBytes } = this.#limits;
    let nameBytes = 0;
    try {
      // A server that never comes to an end gives at least one entry an answer, or is taken to have ended.
      for (;;) {
        const more = await this.#ask<SftpEntry[]>(path, (sftp, settle) =>
          readDirectory(sftp, handle, settle),
        );
        if (!Array.isArray(more) || more.length === 0) return entries;
        entries.push(...more);
        for (const { filename } of more) nameBytes += filename.length;
        if (entries.length > mostEntries)
          throw refusal("too_large", `${peerText(path)} has more than ${mostEntries} entries`);
        if (nameBytes > mostNameBytes)
          throw refusal("too_large", `${peerText(path)} has names of more than ${mostNameBytes} bytes`);
      }
    } catch (error) {
      if (statusOf(error) === STATUS.eof) return entries;
      throw error;
    } finally {
      this.#close(path, handle);
    }
  }

  async #whyNoDirectory(path: string, error: unknown): Promise<never> {
    if (statusOf(error) === undefined || statusOf(error) === STATUS.denied) throw error;
    const there = await this.stat(path).catch(() => undefined);
    if (there !== undefined && there.type !== "directory") {
      throw refusal("not_a_directory", `${peerText(path)} is no directory`);
    }
    throw error;
  }

  async #opened<T>(path: string, flags: "r" | "w" | "a", use: (handle: Buffer) => Promise<T>): Promise<T> {
    const handle = await this.#handle(path, (sftp, settle) => sftp.open(path, flags, settle)).catch(
      async (error: unknown) => {
        if (statusOf(error) !== STATUS.failure || !(await this.#isDirectory(path))) throw error;
        throw isDirectory(path);
      },
    );
    try {
      return await use(handle);
    } finally {
      this.#close(path, handle);
    }
  }

  /** Nobody waits for it: a file that was written is written. */
  #close(path: string, handle: Buffer): void {
    this.#ask<void>(path, (sftp, settle) => sftp.close(handle, settle)).catch(() => undefined);
  }

  async #attributes(path: string, send: Send<SftpAttributes>): Promise<SftpAttributes> {
    const attributes = await this.#ask<SftpAttributes>(path, send);
    if (typeof attributes !== "object" || Array.isArray(attributes)) throw badAnswer(path);
    return attributes;
  }

  async #handle(path: string, send: Send<Buffer>): Promise<Buffer> {
    const handle = await this.#ask<Buffer>(path, send);
    if (!Buffer.isBuffer(handle)) throw badAnswer(path);
    return handle;
  }

  #ask<T>(path: string, send: Send<T>): Promise<T> {
    return this.#session.ask<T>(path, send);
  }
}

function checkPath(path: string): void {
  if (path !== "" && !path.includes("\0")) return;
  throw refusal("bad_path", path === "" ? "a path is missing" : "a path has a NUL in it", "local");
}

function badRange(range: object): HoldfastError {
  return refusal("bad_range", `${JSON.stringify(range)} is no range of bytes`, "local");
}

function isDirectory(path: string): HoldfastError {
  return refusal("is_directory", `${peerText(path)} is a directory`);
}

function tooLarge(path: string, mostBytes: number): HoldfastError {
  return refusal("too_large", `${peerText(path)} has more than ${mostBytes} bytes; read it in ranges`);
}

function tooDeep(path: string): HoldfastError {
  return refusal("too_large", `the directories below ${peerText(path)} are nested too deeply`);
}

function refusal(code: string, message: string, fault: "local" | "peer" = "peer"): HoldfastError {
  return new HoldfastError({ code, message, kind: "fatal", fault });
}
