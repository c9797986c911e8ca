// What may be asked of a machine by JSON lines: the requests of distant, whose editors speak to us (docs/api.md).

/** The size of a terminal. Pixels are taken and not used. */
export interface PtySize {
  readonly rows: number;
  readonly cols: number;
}

/** Those of the nine permissions that are there are set or taken away; the others stay. */
export type Permissions = Readonly<Partial<Record<PermissionName, boolean>>>;

export const PERMISSION_NAMES = [
  "owner_read",
  "owner_write",
  "owner_exec",
  "group_read",
  "group_write",
  "group_exec",
  "other_read",
  "other_write",
  "other_exec",
] as const;
export type PermissionName = (typeof PERMISSION_NAMES)[number];

/** What a file request is about. */
interface AtPath {
  readonly path: string;
}

/** From one path to another. */
interface FromTo {
  readonly src: string;
  readonly dst: string;
}

interface FileRead extends AtPath {
  readonly type: "file_read" | "file_read_text";
  /** Where to begin, and how many bytes at most. Default: all of it. */
  readonly offset?: number | undefined;
  readonly len?: number | undefined;
}

interface FileChange extends AtPath {
  readonly type: "file_write" | "file_append";
  readonly data: Uint8Array;
}

interface FileTextChange extends AtPath {
  readonly type: "file_write_text" | "file_append_text";
  readonly text: string;
}

export interface DirRead extends AtPath {
  readonly type: "dir_read";
  /** How deep; 0 is without limit. */
  readonly depth: number;
  readonly absolute: boolean;
  readonly canonicalize: boolean;
  readonly include_root: boolean;
}

export interface MetadataRequest extends AtPath {
  readonly type: "metadata";
  readonly canonicalize: boolean;
  readonly resolve_file_type: boolean;
}

export interface SetPermissions extends AtPath {
  readonly type: "set_permissions";
  readonly permissions: Permissions;
  readonly options: {
    readonly recursive: boolean;
    readonly follow_symlinks: boolean;
    readonly exclude_symlinks: boolean;
  };
}

export interface ProcSpawn {
  readonly type: "proc_spawn";
  /** A line for the shell of the far side's user. */
  readonly cmd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly current_dir?: string | undefined;
  readonly pty?: PtySize | undefined;
}

export interface ToProcess {
  readonly type: "proc_stdin";
  readonly id: number;
  readonly data: Uint8Array;
  /** Nothing comes after it. */
  readonly end: boolean;
}

export interface TunnelWrite {
  readonly type: "tunnel_write";
  readonly id: number;
  readonly data: Uint8Array;
  /** Nothing comes after it; the other direction stays open. */
  readonly end: boolean;
}

export interface TunnelTo {
  readonly type: "tunnel_open" | "tunnel_listen";
  readonly host: string;
  readonly port: number;
}

export type ApiRequest =
  | FileRead
  | FileChange
  | FileTextChange
  | DirRead
  | (AtPath & { readonly type: "dir_create"; readonly all: boolean })
  | (AtPath & { readonly type: "remove"; readonly force: boolean })
  | (FromTo & { readonly type: "copy" | "rename" })
  | (AtPath & { readonly type: "exists" })
  | MetadataRequest
  | SetPermissions
  | (AtPath & { readonly type: "watch" | "unwatch" })
  | { readonly type: "search" }
  | { readonly type: "cancel_search"; readonly id: number }
  | ProcSpawn
  | ToProcess
  | { readonly type: "proc_kill"; readonly id: number }
  | { readonly type: "proc_resize_pty"; readonly id: number; readonly size: PtySize }
  | TunnelTo
  | TunnelWrite
  | { readonly type: "tunnel_close"; readonly id: number }
  | { readonly type: "status" | "system_info" | "version" };
