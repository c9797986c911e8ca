// Files: every byte, ranges, order, names that are awkward, links that are not followed, and what each error is called.
import { demand, demandSame, failure, pattern, sha256, soon } from "./demands.ts";
import type { Stage } from "./plugin-arena.ts";
import { withFolder } from "./plugin-arena.ts";
import type { PluginCase } from "./plugin-case.ts";
import { runProcess } from "./run-process.ts";

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i);
const AWKWARD = [
  "a b",
  "it's",
  '"x"',
  "line\nline",
  "-rf",
  "$(id)",
  "`id`",
  "a\\b",
  "ü→🙂",
  "*",
  "~",
  "...",
  " ",
];
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

type FolderRun = (files: Stage["machine"]["files"], folder: string, stage: Stage) => Promise<void>;

const cases: Readonly<Record<string, FolderRun>> = {
  "every byte is written and read as it is": async (files, folder) => {
    await soon(files.write(`${folder}/all`, EVERY_BYTE), "a write");
    demandSame([...(await soon(files.read(`${folder}/all`), "a read"))], [...EVERY_BYTE], "the bytes");
    await soon(files.write(`${folder}/none`, new Uint8Array()), "a write of nothing");
    demandSame((await soon(files.read(`${folder}/none`), "a read")).length, 0, "the length of nothing");
  },
  "3 MiB are written and read unchanged": async (files, folder) => {
    const bytes = pattern(3_145_729, 3);
    await soon(files.write(`${folder}/big`, bytes), "a write");
    demandSame(sha256(await soon(files.read(`${folder}/big`), "a read")), sha256(bytes), "the hash");
    demandSame((await soon(files.stat(`${folder}/big`), "a stat")).size, bytes.length, "the size");
  },
  "a shorter write replaces all of a longer file": async (files, folder) => {
    await soon(files.write(`${folder}/f`, Buffer.from("a long text")), "a write");
    await soon(files.write(`${folder}/f`, Buffer.from("short")), "a write");
    demandSame(text(await soon(files.read(`${folder}/f`), "a read")), "short", "the text");
  },
  "ranges are read, also at and beyond the end": async (files, folder) => {
    const path = `${folder}/f`;
    await soon(files.write(path, Buffer.from("0123456789")), "a write");
    const ranges = [
      [{ offset: 3, length: 4 }, "3456"],
      [{ offset: 7 }, "789"],
      [{ length: 2 }, "01"],
      [{ offset: 8, length: 100 }, "89"],
      [{ offset: 10, length: 1 }, ""],
      [{ offset: 100 }, ""],
      [{ length: 0 }, ""],
    ] as const;
    for (const [range, wanted] of ranges) {
      demandSame(text(await soon(files.read(path, range), "a range")), wanted, JSON.stringify(range));
    }
    for (const range of [{ offset: -1 }, { length: -1 }, { offset: 0.5 }, { length: Number.NaN }]) {
      await failure(files.read(path, range), "bad_range", JSON.stringify(range));
    }
  },
  "appending adds, and makes a file that is not there": async (files, folder) => {
    for (const word of ["one ", "two ", "three"]) {
      await soon(files.write(`${folder}/f`, Buffer.from(word), { append: true }), "an append");
    }
    demandSame(text(await soon(files.read(`${folder}/f`), "a read")), "one two three", "the text");
  },
  "a list is in the order of the names": async (files, folder) => {
    const names = ["b", "a", "10", "9", "B", ".hidden", "a.txt", "c"];
    for (const name of names) await soon(files.write(`${folder}/${name}`, Buffer.from("x")), "a write");
    await soon(files.makeDirectory(`${folder}/d`), "a directory");
    const listed = await soon(files.list(folder), "a list");
    const wanted = [...names, "d"].toSorted();
    demandSame(
      listed.map(({ name }) => name),
      wanted,
      "the names",
    );
    demandSame(listed.find(({ name }) => name === "d")?.type, "directory", "the type of a directory");
    demandSame(listed.find(({ name }) => name === "a")?.type, "file", "the type of a file");
    demandSame(await soon(files.list(`${folder}/d`), "a list"), [], "an empty directory");
  },
  "stat tells type, size, mode and time": async (files, folder) => {
    await soon(files.write(`${folder}/f`, Buffer.from("12345")), "a write");
    const file = await soon(files.stat(`${folder}/f`), "a stat");
    demandSame([file.type, file.size], ["file", 5], "a file");
    const { mode, modifiedMs } = file;
    demand(mode === undefined || (mode & ~0o7777) === 0, `the mode ${mode} has more than permission bits`);
    demand(mode === undefined || (mode & 0o600) === 0o600, "its owner may not read and write it");
    // Between 2001 and 2286: seconds would be less, microseconds more.
    demand(modifiedMs === undefined || (modifiedMs > 1e12 && modifiedMs < 1e13), `${modifiedMs} are no ms`);
    demandSame((await soon(files.stat(folder), "a stat")).type, "directory", "a directory");
  },
  "awkward names are names": async (files, folder) => {
    for (const name of AWKWARD) await soon(files.write(`${folder}/${name}`, Buffer.from(name)), "a write");
    const listed = (await soon(files.list(folder), "a list")).map(({ name }) => name);
    demandSame(listed.toSorted(), AWKWARD.toSorted(), "the names");
    for (const name of AWKWARD) {
      demandSame(text(await soon(files.read(`${folder}/${name}`), "a read")), name, "the text");
      await soon(files.rename(`${folder}/${name}`, `${folder}/${name}'`), "a rename");
      demandSame((await soon(files.stat(`${folder}/${name}'`), "a stat")).type, "file", "the type");
      await soon(files.remove(`${folder}/${name}'`), "a removal");
    }
    await soon(files.makeDirectory(`${folder}/-p x/it's/-y`, { parents: true }), "awkward directories");
    await soon(files.remove(`${folder}/-p x`, { recursive: true }), "a removal");
    demandSame(await soon(files.list(folder), "a list"), [], "what is left");
  },
  "directories are made, with parents if asked": async (files, folder) => {
    await failure(files.makeDirectory(`${folder}/a/b/c`), "not_found", "a directory without parents");
    await soon(files.makeDirectory(`${folder}/a/b/c`, { parents: true }), "a directory with parents");
    await soon(files.makeDirectory(`${folder}/a/b/c`, { parents: true }), "the same again, with parents");
    await failure(files.makeDirectory(`${folder}/a`), "already_exists", "a directory that is there");
    await soon(files.write(`${folder}/f`, Buffer.from("x")), "a write");
    await failure(files.makeDirectory(`${folder}/f`), "already_exists", "a directory in place of a file");
  },
  "a rename replaces a file that is there": async (files, folder) => {
    await soon(files.write(`${folder}/from`, Buffer.from("new")), "a write");
    await soon(files.write(`${folder}/to`, Buffer.from("old")), "a write");
    await soon(files.rename(`${folder}/from`, `${folder}/to`), "a rename");
    demandSame(text(await soon(files.read(`${folder}/to`), "a read")), "new", "the text");
    demandSame(await soon(files.exists(`${folder}/from`), "exists"), false, "the old name");
    await failure(files.rename(`${folder}/none`, `${folder}/x`), "not_found", "a rename of nothing");
  },
  "removing takes files and empty directories, and more only if asked": async (files, folder) => {
    await soon(files.makeDirectory(`${folder}/full/deep`, { parents: true }), "directories");
    await soon(files.write(`${folder}/full/deep/f`, Buffer.from("x")), "a write");
    await failure(files.remove(`${folder}/full`), "not_empty", "removing a full directory");
    demandSame(await soon(files.exists(`${folder}/full/deep/f`), "exists"), true, "the file in it");
    await soon(files.remove(`${folder}/full`, { recursive: true }), "removing all of it");
    demandSame(await soon(files.exists(`${folder}/full`), "exists"), false, "the directory");
    await soon(files.makeDirectory(`${folder}/empty`), "a directory");
    await soon(files.remove(`${folder}/empty`), "removing an empty directory");
    await failure(files.remove(`${folder}/empty`), "not_found", "removing nothing");
    await failure(
      files.remove(`${folder}/empty`, { recursive: true }),
      "not_found",
      "removing all of nothing",
    );
  },
  "errors say what is wrong": async (files, folder) => {
    const [file, none] = [`${folder}/f`, `${folder}/none`];
    await soon(files.write(file, Buffer.from("x")), "a write");
    await failure(files.read(none), "not_found", "reading nothing");
    await failure(files.stat(none), "not_found", "a stat of nothing");
    await failure(files.list(none), "not_found", "listing nothing");
    await failure(files.write(`${none}/f`, EVERY_BYTE), "not_found", "writing into nothing");
    await failure(files.read(folder), "is_directory", "reading a directory");
    await failure(files.write(folder, EVERY_BYTE), "is_directory", "writing a directory");
    await failure(files.list(file), "not_a_directory", "listing a file");
    await failure(files.read(`${file}/x`), ["not_a_directory", "not_found"], "reading below a file");
    const hostile = await failure(
      files.read(`${folder}/\u0007evil`),
      "not_found",
      "a name with control bytes",
    );
    demand(!hostile.message.includes("\u0007"), "the message has the control byte in it");
    await failure(files.read(`${folder}/a\0b`), "bad_path", "a name with NUL");
    await failure(files.stat(""), "bad_path", "no name");
    demandSame(await soon(files.exists(none), "exists"), false, "nothing");
    demandSame(await soon(files.exists(file), "exists"), true, "a file");
  },
};

/** These need a process to prepare what `Files` cannot make. */
const prepared: Readonly<Record<string, FolderRun>> = {
  "symlinks are told, followed where asked, and never by a recursive removal": async (
    files,
    folder,
    stage,
  ) => {
    const line =
      'cd "$1" && mkdir kept tree && echo x > kept/f && ln -s ../kept tree/link && ln -s f kept/g && ln -s no gone';
    await runProcess(stage.machine, { command: ["sh", "-c", line, "sh", folder] });
    const listed = await soon(files.list(`${folder}/tree`), "a list");
    demandSame(listed, [{ name: "link", type: "symlink" }], "the listed link");
    demandSame((await soon(files.stat(`${folder}/tree/link`), "a stat")).type, "directory", "where it leads");
    const itself = await soon(files.stat(`${folder}/tree/link`, { followSymlinks: false }), "a stat");
    demandSame(itself.type, "symlink", "the link itself");
    demandSame(
      text(await soon(files.read(`${folder}/kept/g`), "a read")),
      "x\n",
      "what is read through a link",
    );
    await failure(files.stat(`${folder}/gone`), "not_found", "where a broken link leads");
    await soon(files.remove(`${folder}/tree`, { recursive: true }), "a recursive removal");
    demandSame(await soon(files.exists(`${folder}/kept/f`), "exists"), true, "what the link led to");
    await soon(files.remove(`${folder}/gone`), "removing a broken link");
    const line2 = 'ln -s kept "$1/again"';
    await runProcess(stage.machine, { command: ["sh", "-c", line2, "sh", folder] });
    await soon(files.remove(`${folder}/again`, { recursive: true }), "removing a link to a directory");
    demandSame(await soon(files.exists(`${folder}/kept/f`), "exists"), true, "what that link led to");
  },
  "the mode is the file's": async (files, folder, stage) => {
    await soon(files.write(`${folder}/f`, Buffer.from("x")), "a write");
    await runProcess(stage.machine, { command: ["chmod", "4751", `${folder}/f`] });
    const { mode } = await soon(files.stat(`${folder}/f`), "a stat");
    demand(mode === undefined || mode === 0o4751, `the mode is ${mode?.toString(8)}, not 4751`);
    await soon(files.write(`${folder}/f`, Buffer.from("y")), "a write");
    demandSame(text(await soon(files.read(`${folder}/f`), "a read")), "y", "the text");
    const after = (await soon(files.stat(`${folder}/f`), "a stat")).mode;
    demand(
      after === undefined || (after & 0o777) === 0o751,
      `a write changed the mode to ${after?.toString(8)}`,
    );
  },
  "a file too large for memory is refused, and its ranges are not": async (files, folder, stage) => {
    const line = 'dd if=/dev/null of="$1/f" bs=1 seek=67108865 2>/dev/null && printf tail >> "$1/f"';
    await runProcess(stage.machine, { command: ["sh", "-c", line, "sh", folder] });
    await failure(files.read(`${folder}/f`), "too_large", "reading 64 MiB and more");
    const tail = await soon(files.read(`${folder}/f`, { offset: 67_108_865, length: 10 }), "a range");
    demandSame(text(tail), "tail", "the range");
  },
};

const inFolder = (run: FolderRun): PluginCase["run"] => {
  return (stage) => withFolder(stage, (folder) => run(stage.machine.files, folder, stage));
};

export const fileCases: readonly PluginCase[] = [
  ...Object.entries(cases).map(([name, run]) => ({
    name,
    run: inFolder(run),
    abilities: ["files"] as const,
  })),
  ...Object.entries(prepared).map(([name, run]) => {
    return { name, run: inFolder(run), abilities: ["files", "processes"] as const };
  }),
];
