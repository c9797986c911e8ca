// What `fs` can do, one function each: ask the machine, and print the answer.
import { HoldfastError } from "@holdfast/core";
import type { Context } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { ByteSink } from "./byte-sink.ts";
import { listLine, listText, statLine, statText } from "./file-lines.ts";
import type { FilesUse } from "./files-use.ts";
import { readFarFile } from "./read-far-file.ts";
import { writeFarFile } from "./write-far-file.ts";

export interface FileWork {
  readonly context: Context;
  readonly files: FilesUse;
  readonly path: string;
  /** Of `mv`. */
  readonly target: string;
  /** Of `write`; undefined: stdin. */
  readonly text: string | undefined;
  readonly recursive: boolean;
  readonly parents: boolean;
  readonly append: boolean;
}

export interface FileAction {
  /** What may stand behind the path. */
  readonly second: "none" | "path" | "text";
  readonly run: (work: FileWork) => Promise<ExitCode>;
}

export const FILE_ACTIONS: ReadonlyMap<string, FileAction> = new Map<string, FileAction>([
  ["ls", { second: "none", run: list }],
  ["cat", { second: "none", run: show }],
  ["write", { second: "text", run: write }],
  ["stat", { second: "none", run: stat }],
  ["mkdir", { second: "none", run: makeDirectory }],
  ["rm", { second: "none", run: remove }],
  ["mv", { second: "path", run: move }],
  ["exists", { second: "none", run: exists }],
]);

async function list({ context: { output }, files, path }: FileWork): Promise<ExitCode> {
  const listed = await files.look((each) => each.list(path));
  output.line(listLine(listed));
  const sink = new ByteSink(process.stdout);
  if (!output.json && listed.length > 0) await sink.write(`${listText(listed).join("\n")}\n`);
  await sink.flushed();
  return EXIT.ok;
}

async function show({ context: { output }, files, path }: FileWork): Promise<ExitCode> {
  const sink = new ByteSink(process.stdout);
  const write = async (piece: Uint8Array): Promise<boolean> => {
    if (!output.json) return sink.write(piece);
    output.line({ type: "blob", data: [...piece] });
    await sink.room();
    return !sink.readerIsGone;
  };
  await readFarFile({ look: (read) => files.look(read), path, write });
  await sink.flushed();
  if (sink.failure !== undefined) throw sink.failure;
  return EXIT.ok;
}

async function write({ context, files, path, text, append }: FileWork): Promise<ExitCode> {
  const source = text === undefined ? process.stdin : [Buffer.from(text)];
  if (text === undefined && process.stdin.isTTY) context.output.status("reading stdin; Ctrl-D ends it");
  const bytes = await writeFarFile({ change: (make) => files.change(make), path, source, append });
  context.output.detail(`${bytes} bytes written`);
  return done(context);
}

async function stat({ context: { output }, files, path }: FileWork): Promise<ExitCode> {
  // Of the link itself, as lstat does it: `fs ls` shows it as one.
  const known = await files.look((each) => each.stat(path, { followSymlinks: false }));
  output.data(statText(known), statLine(known));
  return EXIT.ok;
}

async function makeDirectory({ context, files, path, parents }: FileWork): Promise<ExitCode> {
  await files.change((each) => each.makeDirectory(path, { parents }));
  return done(context);
}

async function remove({ context, files, path, recursive }: FileWork): Promise<ExitCode> {
  await files
    .change((each) => each.remove(path, { recursive }))
    .catch((thrown: unknown) => {
      const error = HoldfastError.from(thrown);
      if (error.code !== "not_empty" || recursive) throw error;
      const hint = "-r removes a directory with all that is in it";
      throw new HoldfastError({ code: error.code, message: error.text, hint, kind: "fatal", cause: error });
    });
  return done(context);
}

async function move({ context, files, path, target }: FileWork): Promise<ExitCode> {
  await files.change((each) => each.rename(path, target));
  return done(context);
}

async function exists({ context: { output }, files, path }: FileWork): Promise<ExitCode> {
  const value = await files.look((each) => each.exists(path));
  output.data(String(value), { type: "exists", value });
  return value ? EXIT.ok : EXIT.failed;
}

/** Nothing to say but that it was done, which only programs want to hear. */
function done({ output }: Context): ExitCode {
  output.line({ type: "ok" });
  return EXIT.ok;
}
