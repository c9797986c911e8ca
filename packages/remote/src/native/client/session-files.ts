// Files of a machine at the other end of a session.
import { HoldfastError } from "@holdfast/core";
import type { Files, FileStat, ListedFile } from "../../plugin/files.ts";
import { decodeFlag, decodeList, decodeStat, MAX_READ_BYTES, tooLarge } from "../wire/answers.ts";
import { checkPath, wrong } from "../wire/fields.ts";
import type { Channel } from "./channel.ts";

export class SessionFiles implements Files {
  readonly #channel: Channel;
  readonly #warn: (text: string) => void;

  constructor(channel: Channel, warn: (text: string) => void) {
    this.#channel = channel;
    this.#warn = warn;
  }

  async read(
    path: string,
    { offset = 0, length }: { readonly offset?: number; readonly length?: number } = {},
  ): Promise<Uint8Array> {
    checkCount("offset", offset);
    if (length !== undefined) checkCount("length", length);
    const request = {
      do: "read",
      path: checkPath(path),
      offset,
      ...(length !== undefined && { length }),
    } as const;
    const most = { bytes: MAX_READ_BYTES, failure: tooLarge };
    return (await this.#channel.call(request, { most })).bytes;
  }

  async write(
    path: string,
    bytes: Uint8Array,
    { append = false }: { readonly append?: boolean } = {},
  ): Promise<void> {
    await this.#channel.call({ do: "write", path: checkPath(path), append }, { body: Buffer.from(bytes) });
  }

  async stat(
    path: string,
    { followSymlinks = true }: { readonly followSymlinks?: boolean } = {},
  ): Promise<FileStat> {
    const { payload } = await this.#channel.call({
      do: "stat",
      path: checkPath(path),
      follow: followSymlinks,
    });
    return decodeStat(payload);
  }

  async list(path: string): Promise<readonly ListedFile[]> {
    const { bytes } = await this.#channel.call({ do: "list", path: checkPath(path) });
    const { files, leftOut } = decodeList(bytes);
    if (leftOut > 0) this.#warn(`${leftOut} names were left out of a list, because no file can have them`);
    return files;
  }

  async makeDirectory(path: string, { parents = false }: { readonly parents?: boolean } = {}): Promise<void> {
    await this.#channel.call({ do: "make_directory", path: checkPath(path), parents });
  }

  async remove(path: string, { recursive = false }: { readonly recursive?: boolean } = {}): Promise<void> {
    await this.#channel.call({ do: "remove", path: checkPath(path), recursive });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#channel.call({ do: "rename", from: checkPath(from), to: checkPath(to) });
  }

  async exists(path: string): Promise<boolean> {
    const { payload } = await this.#channel.call({ do: "exists", path: checkPath(path) });
    return decodeFlag(payload, "exists");
  }
}

function checkCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  const { text } = wrong(name, "a whole number from 0");
  throw new HoldfastError({ code: "bad_range", message: text, kind: "fatal", fault: "local" });
}
