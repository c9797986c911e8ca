// What can be asked of a served machine in one request and one answer: files, facts, signals, a sign of life.
import { badRecord } from "../failures.ts";
import { Fields } from "./fields.ts";

export type CallRequest =
  | { readonly do: "read"; readonly path: string; readonly offset: number; readonly length?: number }
  /** Followed by records of data, then the end of the stream. */
  | { readonly do: "write"; readonly path: string; readonly append: boolean }
  | { readonly do: "stat"; readonly path: string; readonly follow: boolean }
  | { readonly do: "list"; readonly path: string }
  | { readonly do: "make_directory"; readonly path: string; readonly parents: boolean }
  | { readonly do: "remove"; readonly path: string; readonly recursive: boolean }
  | { readonly do: "rename"; readonly from: string; readonly to: string }
  | { readonly do: "exists"; readonly path: string }
  | { readonly do: "system_info" }
  | { readonly do: "ping" }
  | { readonly do: "signal"; readonly process: number; readonly name: string };

/** @throws HoldfastError `bad_record`, `bad_path`. */
export function decodeCall(payload: Uint8Array): CallRequest {
  const fields = Fields.parse(payload);
  const what = fields.text("do", 32);
  switch (what) {
    case "read": {
      const offset = fields.whole("offset", 0, Number.MAX_SAFE_INTEGER);
      const base = { do: what, path: fields.path("path"), offset } as const;
      return fields.has("length")
        ? { ...base, length: fields.whole("length", 0, Number.MAX_SAFE_INTEGER) }
        : base;
    }
    case "write":
      return { do: what, path: fields.path("path"), append: fields.flag("append") };
    case "stat":
      return { do: what, path: fields.path("path"), follow: fields.flag("follow") };
    case "list":
    case "exists":
      return { do: what, path: fields.path("path") };
    case "make_directory":
      return { do: what, path: fields.path("path"), parents: fields.flag("parents") };
    case "remove":
      return { do: what, path: fields.path("path"), recursive: fields.flag("recursive") };
    case "rename":
      return { do: what, from: fields.path("from"), to: fields.path("to") };
    case "system_info":
    case "ping":
      return { do: what };
    case "signal":
      return { do: what, process: fields.whole("process", 1, 0xffff_ffff), name: fields.text("name", 32) };
    default:
      throw badRecord("a request that this version does not know");
  }
}
