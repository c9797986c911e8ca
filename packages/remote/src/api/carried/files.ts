// Requests about one file.
import { HoldfastError } from "@holdfast/core";
import type { MachineUse } from "../machine/machine-use.ts";
import { OK, type Answer } from "../wire/answers.ts";
import type { ApiRequest } from "../wire/requests.ts";

type FileRequest = Extract<ApiRequest, { readonly path: string } | { readonly src: string }>;
type Of<T extends ApiRequest["type"]> = Extract<FileRequest, { readonly type: T }>;

export async function readFile(
  use: MachineUse,
  { type, path, offset, len }: Of<"file_read" | "file_read_text">,
  mostBytes: number,
): Promise<Answer> {
  // One byte more tells whether there is more.
  const length = Math.min(len ?? mostBytes + 1, mostBytes + 1);
  const range = { length, ...(offset !== undefined && { offset }) };
  const bytes = await use.look(({ files }) => files.read(path, range));
  if (bytes.length > mostBytes) throw tooLarge(path, mostBytes);
  return type === "file_read" ? { type: "blob", data: bytes } : { type: "text", data: textOf(bytes) };
}

export async function writeFile(
  use: MachineUse,
  request: Of<"file_write" | "file_write_text" | "file_append" | "file_append_text">,
): Promise<Answer> {
  const bytes = "data" in request ? request.data : Buffer.from(request.text);
  const append = request.type === "file_append" || request.type === "file_append_text";
  await use.change(({ files }) => files.write(request.path, bytes, { append }));
  return OK;
}

export async function makeDirectory(use: MachineUse, { path, all }: Of<"dir_create">): Promise<Answer> {
  await use.change(({ files }) => files.makeDirectory(path, { parents: all }));
  return OK;
}

export async function remove(use: MachineUse, { path, force }: Of<"remove">): Promise<Answer> {
  await use.change(({ files }) => files.remove(path, { recursive: force }));
  return OK;
}

export async function rename(use: MachineUse, { src, dst }: Of<"copy" | "rename">): Promise<Answer> {
  await use.change(({ files }) => files.rename(src, dst));
  return OK;
}

/** Of what a link leads to. */
export async function exists(use: MachineUse, { path }: Of<"exists">): Promise<Answer> {
  const value = await use.look(({ files }) =>
    files.stat(path).then(
      () => true,
      (thrown: unknown) => {
        const { code } = HoldfastError.from(thrown);
        if (code === "not_found" || code === "not_a_directory") return false;
        throw thrown;
      },
    ),
  );
  return { type: "exists", value };
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const message = "the file is not text in UTF-8";
    throw new HoldfastError({
      code: "bad_text",
      message,
      hint: "ask for file_read",
      kind: "fatal",
      fault: "local",
    });
  }
}

function tooLarge(path: string, most: number): HoldfastError {
  const message = `${JSON.stringify(path)} has more than ${most} bytes, which is the most of one answer`;
  const hint = 'read it in pieces: "options":{"offset":0,"len":1048576}';
  return new HoldfastError({ code: "too_large", message, hint, kind: "fatal", fault: "local" });
}
