// What is known about a path, and its permissions.
import { HoldfastError } from "@holdfast/core";
import type { ConnectedMachine } from "../../connection/connection.ts";
import type { FileStat, FileType } from "../../plugin/files.ts";
import { canonicalPath } from "../machine/canonical-path.ts";
import type { MachineUse } from "../machine/machine-use.ts";
import { runProgram } from "../machine/run-program.ts";
import { OK, type Answer, type EntryType, type MetadataAnswer } from "../wire/answers.ts";
import { unsupported } from "../wire/errors.ts";
import {
  PERMISSION_NAMES,
  type MetadataRequest,
  type PermissionName,
  type Permissions,
  type SetPermissions,
} from "../wire/requests.ts";

/** distant knows three types: what is neither a directory nor a link is a file. */
export function entryType(type: FileType): EntryType {
  if (type === "directory") return "dir";
  return type === "symlink" ? "symlink" : "file";
}

export function metadata(use: MachineUse, request: MetadataRequest): Promise<Answer> {
  const { path, canonicalize, resolve_file_type } = request;
  return use.look(async (machine) => {
    const stat = await machine.files.stat(path, { followSymlinks: false });
    const resolved = resolve_file_type && stat.type === "symlink" ? await machine.files.stat(path) : stat;
    const canonical = canonicalize ? await canonicalPath(machine, path) : undefined;
    return answerOf(stat, resolved.type, canonical);
  });
}

function answerOf({ size, mode, modifiedMs }: FileStat, type: FileType, canonical?: string): MetadataAnswer {
  return {
    type: "metadata",
    ...(canonical !== undefined && { canonicalized_path: canonical }),
    file_type: entryType(type),
    len: size,
    readonly: mode !== undefined && (mode & 0o222) === 0,
    ...(modifiedMs !== undefined && { modified: Math.max(0, Math.floor(modifiedMs / 1_000)) }),
    ...(mode !== undefined && { unix: permissionsOf(mode) }),
  };
}

function permissionsOf(mode: number): Record<PermissionName, boolean> {
  const has = (name: PermissionName, bit: number): [PermissionName, boolean] => [name, (mode & bit) !== 0];
  // From the owner's read permission, 0o400, down to everybody's execution, 0o001.
  const all = PERMISSION_NAMES.map((name, index) => has(name, 0o400 >> index));
  return Object.fromEntries(all) as Record<PermissionName, boolean>;
}

/** By the far side's chmod: machines have no such request. */
export async function setPermissions(use: MachineUse, request: SetPermissions): Promise<Answer> {
  const { path, permissions, options } = request;
  if (options.recursive && options.follow_symlinks) {
    throw unsupported(
      "permissions are not set through the links of a directory",
      "leave follow_symlinks out",
    );
  }
  const change = changeOf(permissions);
  const { type } = await use.look(({ files }) => files.stat(path, { followSymlinks: false }));
  if (change === "" || (type === "symlink" && options.exclude_symlinks)) return OK;
  const words = ["chmod", ...(options.recursive ? ["-R"] : []), "--", change, path] as const;
  await use.change((machine) => run(machine, words as unknown as [string, ...string[]]));
  return OK;
}

/** As chmod writes it: `u+r,u-w,g+x`. */
function changeOf(permissions: Permissions): string {
  const changes = PERMISSION_NAMES.flatMap((name) => {
    const wanted = permissions[name];
    if (wanted === undefined) return [];
    const who = name.startsWith("owner") ? "u" : name[0];
    const what = name.endsWith("exec") ? "x" : name.endsWith("read") ? "r" : "w";
    return [`${who}${wanted ? "+" : "-"}${what}`];
  });
  return changes.join(",");
}

async function run(machine: ConnectedMachine, command: readonly [string, ...string[]]): Promise<void> {
  const { code, stderr } = await runProgram(machine, command);
  if (code === 0) return;
  if (code === 127) throw unsupported("this machine has no program chmod to set permissions with");
  const message = `chmod: ${stderr.trim() || `it ended with ${code ?? "a signal"}`}`;
  throw new HoldfastError({
    code: /not permitted|denied|read-only/i.test(stderr) ? "permission_denied" : "failed",
    message,
    kind: "fatal",
    fault: "peer",
  });
}
