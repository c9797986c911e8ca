// What `fs` prints of files: in words, and in the shapes of `distant` with `--json`.
import type { OutputLine } from "@holdfast/control";
import type { FileStat, FileType, ListedFile } from "@holdfast/remote";
import { escapeText } from "../terminal/escape.ts";

type Line<T extends OutputLine["type"]> = Extract<OutputLine, { type: T }>;
type Permissions = NonNullable<Line<"metadata">["unix"]>;

/** From the owner's read permission, 0o400, down to everybody's execution, 0o001. */
const PERMISSIONS: readonly (keyof Permissions)[] = [
  "owner_read",
  "owner_write",
  "owner_exec",
  "group_read",
  "group_write",
  "group_exec",
  "other_read",
  "other_write",
  "other_exec",
];
/** What stands behind a name, as `ls -F` does it. */
const MARKS: Readonly<Record<FileType, string>> = { directory: "/", symlink: "@", file: "", other: "" };

/** One line for each name; none for an empty directory. */
export function listText(files: readonly ListedFile[]): string[] {
  return files.map(({ name, type }) => `${escapeText(name)}${MARKS[type]}`);
}

export function listLine(files: readonly ListedFile[]): Line<"dir_entries"> {
  const entries = files.map(({ name, type }) => ({ path: name, file_type: typeName(type), depth: 1 }));
  return { type: "dir_entries", entries, errors: [] };
}

/** `file, 1234 bytes, mode 0644, modified 2026-01-02T03:04:05.000Z` */
export function statText({ type, size, mode, modifiedMs }: FileStat): string {
  return [
    type,
    `${size} byte${size === 1 ? "" : "s"}`,
    ...(mode === undefined ? [] : [`mode ${mode.toString(8).padStart(4, "0")}`]),
    ...(modifiedMs === undefined ? [] : [`modified ${timeText(modifiedMs)}`]),
  ].join(", ");
}

export function statLine({ type, size, mode, modifiedMs }: FileStat): Line<"metadata"> {
  return {
    type: "metadata",
    file_type: typeName(type),
    len: size,
    readonly: mode !== undefined && (mode & 0o222) === 0,
    ...(modifiedMs !== undefined && { modified: Math.max(0, Math.floor(modifiedMs / 1_000)) }),
    ...(mode !== undefined && { unix: permissionsOf(mode) }),
  };
}

function permissionsOf(mode: number): Permissions {
  const all = PERMISSIONS.map((name, index) => [name, (mode & (0o400 >> index)) !== 0]);
  return Object.fromEntries(all) as Permissions;
}

function typeName(type: FileType): "dir" | "file" | "symlink" {
  if (type === "directory") return "dir";
  return type === "symlink" ? "symlink" : "file";
}

/** A machine may say any number. */
function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms after 1970` : date.toISOString();
}
