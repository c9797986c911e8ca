// What `--json` prints of a machine: its processes and files. The shapes are those of `distant`, whose users read them
// already; there, too, bytes are lists of numbers.
import { z } from "zod";
import { count, id } from "./values.ts";

const bytes = z.array(z.int().min(0).max(255)).describe("bytes");

const procSpawned = z.strictObject({ type: z.literal("proc_spawned"), id }).meta({ id: "proc_spawned" });
const procStdout = z
  .strictObject({ type: z.literal("proc_stdout"), id, data: bytes })
  .meta({ id: "proc_stdout" });
const procStderr = z
  .strictObject({ type: z.literal("proc_stderr"), id, data: bytes })
  .meta({ id: "proc_stderr" });
const procDone = z
  .strictObject({
    type: z.literal("proc_done"),
    id,
    success: z.boolean().describe("it ended with code 0"),
    code: count.optional().describe("absent if a signal ended it"),
    signal: z.string().optional().describe("that ended it: TERM, KILL …"),
  })
  .meta({ id: "proc_done" });

const fileType = z.enum(["dir", "file", "symlink"]).describe("file: what is none of the others");

const dirEntries = z
  .strictObject({
    type: z.literal("dir_entries"),
    entries: z.array(
      z.strictObject({
        path: z.string().describe("within the directory"),
        file_type: fileType,
        depth: count.describe("1: directly in it"),
      }),
    ),
    errors: z
      .array(z.strictObject({ kind: z.string(), description: z.string() }))
      .describe("what could not be listed"),
  })
  .meta({ id: "dir_entries" });

const blob = z
  .strictObject({
    type: z.literal("blob"),
    data: bytes.describe("the next bytes of the file; an empty file has one line without any"),
  })
  .meta({ id: "blob" });

const ok = z.strictObject({ type: z.literal("ok") }).meta({ id: "ok" });

const exists = z.strictObject({ type: z.literal("exists"), value: z.boolean() }).meta({ id: "exists" });

const metadata = z
  .strictObject({
    type: z.literal("metadata"),
    file_type: fileType,
    len: count.describe("bytes"),
    readonly: z.boolean().describe("nobody may write to it"),
    modified: count.optional().describe("seconds since 1970; absent where the machine does not say"),
    unix: z
      .strictObject({
        owner_read: z.boolean(),
        owner_write: z.boolean(),
        owner_exec: z.boolean(),
        group_read: z.boolean(),
        group_write: z.boolean(),
        group_exec: z.boolean(),
        other_read: z.boolean(),
        other_write: z.boolean(),
        other_exec: z.boolean(),
      })
      .optional()
      .describe("absent where the machine has no such permissions"),
  })
  .meta({ id: "metadata" });

/** In the order in which the documents show them. */
export const machineLines = [
  procSpawned,
  procStdout,
  procStderr,
  procDone,
  dirEntries,
  blob,
  ok,
  exists,
  metadata,
] as const;
