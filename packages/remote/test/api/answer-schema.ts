// Every line that an api prints in a test is parsed by this: distant's shapes, and the few fields that we add.
import { z } from "zod";
import { ERROR_KINDS } from "../../src/api/wire/answers.ts";
import { PERMISSION_NAMES } from "../../src/api/wire/requests.ts";

const id = z.int().positive();
const data = z.array(z.int().min(0).max(255));
const fault = {
  kind: z.enum(ERROR_KINDS),
  description: z.string().min(1),
  may_have_run: z.literal(true).optional(),
};
const error = z.strictObject(fault);
const type = z.enum(["dir", "file", "symlink"]);
const nine = Object.fromEntries(PERMISSION_NAMES.map((name) => [name, z.boolean()]));

const payload = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ok") }),
  z.strictObject({ type: z.literal("error"), ...fault }),
  z.strictObject({ type: z.literal("blob"), data }),
  z.strictObject({ type: z.literal("text"), data: z.string() }),
  z.strictObject({
    type: z.literal("dir_entries"),
    entries: z.array(z.strictObject({ path: z.string(), file_type: type, depth: z.int().min(0) })),
    errors: z.array(error),
  }),
  z.strictObject({ type: z.literal("exists"), value: z.boolean() }),
  z.strictObject({
    type: z.literal("metadata"),
    canonicalized_path: z.string().optional(),
    file_type: type,
    len: z.int().min(0),
    readonly: z.boolean(),
    modified: z.int().min(0).optional(),
    unix: z.strictObject(nine).optional(),
  }),
  z.strictObject({ type: z.literal("proc_spawned"), id }),
  z.strictObject({ type: z.literal("proc_stdout"), id, data }),
  z.strictObject({ type: z.literal("proc_stderr"), id, data }),
  z.strictObject({
    type: z.literal("proc_done"),
    id,
    success: z.boolean(),
    code: z.int().optional(),
    error: error.optional(),
  }),
  z.strictObject({ type: z.literal("tunnel_opened"), id }),
  z.strictObject({ type: z.literal("tunnel_listening"), id, port: z.int().min(1).max(65_535) }),
  z.strictObject({ type: z.literal("tunnel_data"), id, data }),
  z.strictObject({
    type: z.literal("tunnel_incoming"),
    listener_id: id,
    tunnel_id: id,
    peer_addr: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("tunnel_closed"), id, error: error.optional() }),
  z.strictObject({
    type: z.literal("status_info"),
    tunnels: z.array(
      z.strictObject({
        id,
        direction: z.enum(["forward", "reverse"]),
        host: z.string(),
        port: z.int().min(0).max(65_535),
      }),
    ),
  }),
  z.strictObject({
    type: z.literal("system_info"),
    family: z.string(),
    os: z.string(),
    arch: z.string(),
    current_dir: z.string(),
    main_separator: z.string(),
    username: z.string(),
    shell: z.string(),
  }),
  z.strictObject({
    type: z.literal("version"),
    server_version: z.string(),
    protocol_version: z.string(),
    capabilities: z.array(z.string()),
  }),
]);

export const answerLine = z.strictObject({
  id: z.string(),
  origin_id: z.string(),
  payload: z.union([payload, z.array(payload)]),
});

export type AnswerPayload = z.infer<typeof payload>;
export type AnswerLine = z.infer<typeof answerLine>;
