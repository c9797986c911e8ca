// From any JSON value to a request, or to an error that says what is wrong with it. Fields that a request does not have
// are refused, as distant does it; one that is null counts as absent.
import { HoldfastError } from "@holdfast/core";
import { prettifyError, z } from "zod";
import { badInput } from "./errors.ts";
import { parseEnvironment } from "./environment.ts";
import { PERMISSION_NAMES, type ApiRequest } from "./requests.ts";

const path = z.string().min(1).max(65_536);
const id = z.int().min(0).max(4_294_967_295);
const count = z.int().nonnegative();
const port = z.int().min(0).max(65_535);
const text = z.string();
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** Numbers from 0 to 255. Checked by hand: a schema for each of a million elements takes a second. */
const bytes = z.unknown().transform((value, context): Uint8Array => {
  // An empty table of Lua is written as an object.
  const list = isEmptyObject(value) ? [] : value;
  const taken = Array.isArray(list) ? bytesOf(list) : undefined;
  if (taken !== undefined) return taken;
  context.addIssue({ code: "custom", message: "expected a list of numbers from 0 to 255" });
  return z.NEVER;
});

const cells = z.int().min(1).max(65_535);
const pixels = z.int().min(0).max(65_535).nullish();
const ptySize = z
  .union([
    z.strictObject({ rows: cells, cols: cells, pixel_width: pixels, pixel_height: pixels }),
    z
      .string()
      .regex(/^\d{1,5},\d{1,5}(,\d{1,5},\d{1,5})?$/)
      .transform((size) => {
        const [rows = 0, cols = 0] = size.split(",").map(Number);
        return { rows, cols };
      })
      .refine(({ rows, cols }) => rows >= 1 && rows <= 65_535 && cols >= 1 && cols <= 65_535),
  ])
  .transform(({ rows, cols }) => ({ rows, cols }));

const environment = z
  .union([z.record(z.string(), z.string()), z.string().transform(parseEnvironment), z.tuple([])])
  .nullish()
  .transform((value) => (Array.isArray(value) ? {} : (value ?? {})));

const options = z
  .strictObject({ recursive: flag, follow_symlinks: flag, exclude_symlinks: flag })
  .nullish()
  .transform((given) => given ?? { recursive: false, follow_symlinks: false, exclude_symlinks: false });
const permissions = z
  .strictObject(Object.fromEntries(PERMISSION_NAMES.map((name) => [name, z.boolean().nullish()])))
  .transform((given) =>
    Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === "boolean")),
  );

/** The range of a read; distant's next version has it in `options`. */
const range = z.strictObject({ offset: maybe(count), len: maybe(count) }).nullish();

const one = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.strictObject({ type: z.literal(type), ...shape });

const read = <T extends string>(type: T) =>
  one(type, { path, options: range }).transform(({ options: wanted, ...rest }) => ({ ...rest, ...wanted }));

const schemas: Readonly<Record<ApiRequest["type"], z.ZodType>> = {
  file_read: read("file_read"),
  file_read_text: read("file_read_text"),
  file_write: one("file_write", { path, data: bytes }),
  file_write_text: one("file_write_text", { path, text }),
  file_append: one("file_append", { path, data: bytes }),
  file_append_text: one("file_append_text", { path, text }),
  dir_read: one("dir_read", {
    path,
    depth: count.nullish().transform((depth) => depth ?? 1),
    absolute: flag,
    canonicalize: flag,
    include_root: flag,
  }),
  dir_create: one("dir_create", { path, all: flag }),
  remove: one("remove", { path, force: flag }),
  copy: one("copy", { src: path, dst: path }),
  rename: one("rename", { src: path, dst: path }),
  exists: one("exists", { path }),
  metadata: one("metadata", { path, canonicalize: flag, resolve_file_type: flag }),
  set_permissions: one("set_permissions", { path, permissions, options }),
  watch: z.looseObject({ type: z.literal("watch"), path }),
  unwatch: one("unwatch", { path }),
  search: z.looseObject({ type: z.literal("search") }),
  cancel_search: one("cancel_search", { id }),
  proc_spawn: one("proc_spawn", {
    cmd: z.string().min(1),
    environment,
    current_dir: maybe(path),
    pty: maybe(ptySize),
  }),
  proc_stdin: one("proc_stdin", { id, data: bytes, end: flag }),
  proc_kill: one("proc_kill", { id }),
  proc_resize_pty: one("proc_resize_pty", { id, size: ptySize }),
  tunnel_open: one("tunnel_open", { host: z.string().min(1).max(1_024), port }),
  tunnel_listen: one("tunnel_listen", { host: z.string().max(1_024), port }),
  tunnel_write: one("tunnel_write", { id, data: bytes, end: flag }),
  tunnel_close: one("tunnel_close", { id }),
  status: one("status", {}),
  system_info: one("system_info", {}),
  version: one("version", {}),
};

/** The names of all requests. */
export const REQUEST_TYPES: readonly string[] = Object.keys(schemas);

/** @throws HoldfastError `bad_input`, or `unknown_request` if there is no request of this type. */
export function parseRequest(value: unknown): ApiRequest {
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  if (typeof type !== "string") throw badInput("a request is an object with a type");
  const schema = Object.hasOwn(schemas, type) ? schemas[type as ApiRequest["type"]] : undefined;
  if (schema === undefined) throw unknownRequest(type);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data as ApiRequest;
  throw badInput(`${type}: ${prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " ")}`);
}

function unknownRequest(type: string): HoldfastError {
  const message = `there is no request ${JSON.stringify(type.slice(0, 64))}`;
  const hint = `requests are ${REQUEST_TYPES.join(", ")}`;
  return new HoldfastError({ code: "unknown_request", message, hint, kind: "fatal", fault: "peer" });
}

function bytesOf(list: readonly unknown[]): Uint8Array | undefined {
  const taken = new Uint8Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value !== "number" || !(value >= 0 && value <= 255) || !Number.isInteger(value))
      return undefined;
    taken[i] = value;
  }
  return taken;
}

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  );
}
