// What is in a directory, and below it. Links are shown and not followed, so a walk always ends.
import { HoldfastError } from "@holdfast/core";
import type { ConnectedMachine } from "../../connection/connection.ts";
import type { ListedFile } from "../../plugin/files.ts";
import { absolutePath, canonicalPath, joinPath, separatorOn } from "../machine/canonical-path.ts";
import type { MachineUse } from "../machine/machine-use.ts";
import type { Answer, ApiError, DirEntry } from "../wire/answers.ts";
import { apiError } from "../wire/errors.ts";
import type { DirRead } from "../wire/requests.ts";
import { entryType } from "./metadata.ts";

/** Something below the root of a walk. */
export interface Walked {
  /** From the root. */
  readonly path: string;
  readonly type: ListedFile["type"];
  /** From 1. */
  readonly depth: number;
}

export interface WalkOptions {
  readonly machine: ConnectedMachine;
  readonly separator: string;
  /** 0: without limit. */
  readonly depth: number;
  /** Most entries. */
  readonly most: number;
  /** A directory below the root that cannot be read. What it throws ends the walk. */
  readonly onError: (thrown: unknown) => void;
}

/** Depth first, by name. @throws HoldfastError what the root says; `too_large`; `link_lost`, `not_connected`. */
export async function walk(root: string, options: WalkOptions): Promise<readonly Walked[]> {
  const { machine, separator, depth, most, onError } = options;
  const found: Walked[] = [];
  const descend = async (folder: string, prefix: string, level: number): Promise<void> => {
    for (const { name, type } of await machine.files.list(folder)) {
      if (found.length >= most) throw tooMany(root, most);
      const path = `${prefix}${name}`;
      found.push({ path, type, depth: level });
      if (type !== "directory" || (depth !== 0 && level >= depth)) continue;
      await descend(joinPath(folder, name, separator), `${path}${separator}`, level + 1).catch(
        (thrown: unknown) => {
          if (isFinal(thrown)) throw thrown;
          onError(thrown);
        },
      );
    }
  };
  await descend(root, "", 1);
  return found;
}

export function readDirectory(use: MachineUse, request: DirRead, mostEntries: number): Promise<Answer> {
  return use.look(async (machine) => {
    const { path, depth, absolute, canonicalize, include_root } = request;
    const errors: ApiError[] = [];
    const separator = await separatorOn(machine);
    const onError = (thrown: unknown): void => void errors.push(apiError(thrown));
    const walked = await walkRoot(path, { machine, separator, depth, most: mostEntries, onError });
    const named = absolute || canonicalize || include_root;
    const root = named ? ((await canonicalPath(machine, path)) ?? (await absolutePath(machine, path))) : "";
    const entries: DirEntry[] = include_root
      ? [{ path: root, file_type: walked === undefined ? "file" : "dir", depth: 0 }]
      : [];
    for (const one of walked ?? []) {
      try {
        const shown = canonicalize
          ? await resolved(machine, joinPath(root, one.path, separator), one.type)
          : undefined;
        entries.push({
          path: shownPath({ root, own: one.path, shown, absolute, separator }),
          file_type: entryType(one.type),
          depth: one.depth,
        });
      } catch (thrown) {
        if (isFinal(thrown)) throw thrown;
        errors.push(apiError(thrown));
      }
    }
    return { type: "dir_entries", entries, errors };
  });
}

/** Undefined if it is there and no directory, which has nothing in it. */
async function walkRoot(path: string, options: WalkOptions): Promise<readonly Walked[] | undefined> {
  try {
    return await walk(path, options);
  } catch (thrown) {
    if (HoldfastError.from(thrown).code !== "not_a_directory") throw thrown;
    await options.machine.files.stat(path);
    return undefined;
  }
}

interface Shown {
  readonly root: string;
  readonly own: string;
  /** What it leads to, if that was asked for. */
  readonly shown: string | undefined;
  readonly absolute: boolean;
  readonly separator: string;
}

/** A link that leads out of the directory has no other path than an absolute one. */
function shownPath({ root, own, shown, absolute, separator }: Shown): string {
  if (shown === undefined) return absolute ? joinPath(root, own, separator) : own;
  const front = joinPath(root, "", separator);
  return !absolute && shown.startsWith(front) ? shown.slice(front.length) : shown;
}

/** Below a canonical root, only links need to be looked at. */
async function resolved(machine: ConnectedMachine, path: string, type: ListedFile["type"]): Promise<string> {
  if (type !== "symlink") return path;
  await machine.files.stat(path);
  const found = await canonicalPath(machine, path);
  if (found !== undefined) return found;
  const message = `this machine cannot say where the link ${JSON.stringify(path)} leads`;
  throw new HoldfastError({ code: "unsupported", message, kind: "fatal", fault: "local" });
}

/** What no entry is to blame for. */
function isFinal(thrown: unknown): boolean {
  return ["link_lost", "not_connected", "too_large_walk"].includes(HoldfastError.from(thrown).code);
}

function tooMany(root: string, most: number): HoldfastError {
  const message = `there are more than ${most} entries below ${JSON.stringify(root)}`;
  const hint = "read one directory after the other, with depth 1";
  return new HoldfastError({ code: "too_large_walk", message, hint, kind: "fatal", fault: "local" });
}
