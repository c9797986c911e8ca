// What is answered, and what comes by itself afterwards: the responses of distant. Bytes are written as lists of numbers,
// at the last moment, because a list takes eight times as much.
import type { PermissionName } from "./requests.ts";

/** The kinds of errors that distant knows. */
export const ERROR_KINDS = [
  "not_found",
  "permission_denied",
  "connection_refused",
  "connection_reset",
  "connection_aborted",
  "not_connected",
  "addr_in_use",
  "addr_not_available",
  "broken_pipe",
  "already_exists",
  "would_block",
  "invalid_input",
  "invalid_data",
  "timed_out",
  "write_zero",
  "interrupted",
  "other",
  "unexpected_eof",
  "unsupported",
  "out_of_memory",
  "loop",
  "task_cancelled",
  "task_panicked",
  "unknown",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

export interface ApiError {
  readonly kind: ErrorKind;
  readonly description: string;
  /** Only where it is so: the link was lost meanwhile, and nobody knows how far it came. */
  readonly may_have_run?: true;
}

export interface ErrorAnswer extends ApiError {
  readonly type: "error";
}

export type EntryType = "dir" | "file" | "symlink";

export interface DirEntry {
  readonly path: string;
  readonly file_type: EntryType;
  readonly depth: number;
}

export interface MetadataAnswer {
  readonly type: "metadata";
  readonly canonicalized_path?: string;
  readonly file_type: EntryType;
  readonly len: number;
  readonly readonly: boolean;
  /** Seconds since 1970. */
  readonly modified?: number;
  readonly unix?: Readonly<Record<PermissionName, boolean>>;
}

export interface TunnelInfo {
  readonly id: number;
  readonly direction: "forward" | "reverse";
  readonly host: string;
  readonly port: number;
}

/** The answer to a request. */
export type Answer =
  | { readonly type: "ok" }
  | ErrorAnswer
  | { readonly type: "blob"; readonly data: Uint8Array }
  | { readonly type: "text"; readonly data: string }
  | {
      readonly type: "dir_entries";
      readonly entries: readonly DirEntry[];
      readonly errors: readonly ApiError[];
    }
  | { readonly type: "exists"; readonly value: boolean }
  | MetadataAnswer
  | { readonly type: "proc_spawned"; readonly id: number }
  | { readonly type: "tunnel_opened"; readonly id: number }
  | { readonly type: "tunnel_listening"; readonly id: number; readonly port: number }
  | { readonly type: "status_info"; readonly tunnels: readonly TunnelInfo[] }
  | {
      readonly type: "system_info";
      readonly family: string;
      readonly os: string;
      readonly arch: string;
      readonly current_dir: string;
      readonly main_separator: string;
      readonly username: string;
      readonly shell: string;
    }
  | {
      readonly type: "version";
      readonly server_version: string;
      readonly protocol_version: string;
      readonly capabilities: readonly string[];
    };

/** What comes later, by the id of the request that began it. */
export type Notice =
  | { readonly type: "proc_stdout" | "proc_stderr"; readonly id: number; readonly data: Uint8Array }
  | {
      readonly type: "proc_done";
      readonly id: number;
      readonly success: boolean;
      /** None after a signal; 255 if the link was lost. */
      readonly code?: number;
      /** Why nobody knows how it ended. */
      readonly error?: ApiError;
    }
  | { readonly type: "tunnel_data"; readonly id: number; readonly data: Uint8Array }
  | {
      readonly type: "tunnel_incoming";
      readonly listener_id: number;
      readonly tunnel_id: number;
      readonly peer_addr?: string;
    }
  | { readonly type: "tunnel_closed"; readonly id: number; readonly error?: ApiError };

export const OK: Answer = { type: "ok" };

/** The text of what is sent. */
export function encodePayload(message: object): string {
  return JSON.stringify(
    message,
    function numbers(this: Readonly<Record<string, unknown>>, key, value: unknown) {
      const own = this[key];
      if (!(own instanceof Uint8Array)) return value;
      // A Buffer has become an object with such a list by now.
      return Buffer.isBuffer(own) ? (value as { readonly data: readonly number[] }).data : Array.from(own);
    },
  );
}
