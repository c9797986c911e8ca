// The answers of a machine about its files and itself.
import type { FileStat, FileType, ListedFile } from "../../plugin/files.ts";
import type { SystemInfo } from "../../plugin/machine.ts";
import { HoldfastError } from "@holdfast/core";
import { badRecord } from "../failures.ts";
import { Fields, wrong } from "./fields.ts";

/** The longest answer that is gathered in memory, a file's bytes apart, in bytes. */
export const MAX_ANSWER_BYTES = 16_777_216;
/** What one read of a file may give, in bytes. */
export const MAX_READ_BYTES = 67_108_864;
const TYPES: readonly string[] = ["file", "directory", "symlink", "other"] satisfies FileType[];
const MAX_FACT_BYTES = 4_096;

/** @throws HoldfastError `bad_record`. */
export function decodeStat(payload: Uint8Array): FileStat {
  const fields = Fields.parse(payload);
  return {
    type: typeOf(fields),
    size: fields.whole("size", 0, Number.MAX_SAFE_INTEGER),
    mode: fields.has("mode") ? fields.whole("mode", 0, 0o7777) : undefined,
    modifiedMs: fields.has("modified_ms") ? instantOf(fields.get("modified_ms")) : undefined,
  };
}

export interface CheckedList {
  readonly files: readonly ListedFile[];
  /** How many had names that no file can have. */
  readonly leftOut: number;
}

/** @throws HoldfastError `bad_record`. */
export function decodeList(bytes: Uint8Array): CheckedList {
  const listed = Fields.parse(bytes).get("files");
  if (!Array.isArray(listed)) throw wrong("files", "a list");
  const all = listed.map((entry: unknown) => {
    const fields = new Fields(entry);
    const name = fields.get("name");
    if (typeof name !== "string") throw wrong("name", "a text");
    return { name, type: typeOf(fields) };
  });
  const files = all.filter(({ name }) => isFileName(name));
  return { files, leftOut: all.length - files.length };
}

/** @throws HoldfastError `bad_record`. */
export function decodeSystemInfo(payload: Uint8Array): SystemInfo {
  const fields = Fields.parse(payload);
  const fact = (name: string): string => fields.text(name, MAX_FACT_BYTES);
  return {
    family: fact("family"),
    os: fact("os"),
    arch: fact("arch"),
    currentDirectory: fact("current_directory"),
    username: fact("username"),
    shell: fact("shell"),
  };
}

export function decodeFlag(payload: Uint8Array, name: string): boolean {
  return Fields.parse(payload).flag(name);
}

function isFileName(name: string): boolean {
  return (
    name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name) && Buffer.byteLength(name) <= 1_024
  );
}

function typeOf(fields: Fields): FileType {
  const type = fields.text("type", 16);
  if (!TYPES.includes(type)) throw wrong("type", "that of a file");
  return type as FileType;
}

function instantOf(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw badRecord("the field modified_ms is not a time");
}

/** More than one read may give. */
export function tooLarge(): HoldfastError {
  const message = "there are more than 64 MiB to read";
  const hint = "read it in ranges, with offset and length";
  return new HoldfastError({ code: "too_large", message, hint, kind: "fatal", fault: "local" });
}
