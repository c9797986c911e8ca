// A copy within a machine. Its bytes pass through here: read, and written, in pieces. Modes and times are not copied.
import { HoldfastError } from "@holdfast/core";
import type { ConnectedMachine } from "../../connection/connection.ts";
import { joinPath, separatorOn } from "../machine/canonical-path.ts";
import { halfDone, type MachineUse } from "../machine/machine-use.ts";
import { OK, type Answer } from "../wire/answers.ts";
import { unsupported } from "../wire/errors.ts";
import { walk, type Walked } from "./directory.ts";

const PIECE_BYTES = 4_194_304;

export interface CopyOptions {
  readonly src: string;
  readonly dst: string;
  /** Most files and directories. */
  readonly most: number;
  /** A part of a name that nobody else uses. */
  readonly unique: string;
}

export async function copy(use: MachineUse, options: CopyOptions): Promise<Answer> {
  const { src, dst, most } = options;
  // All that is looked at comes first: until then nothing has been changed.
  const plan = await use.look(async (machine) => {
    const stat = await machine.files.stat(src);
    if (stat.type !== "directory") return undefined;
    const separator = await separatorOn(machine);
    const onError = (thrown: unknown): never => {
      throw thrown;
    };
    const walked = await walk(src, { machine, separator, depth: 0, most, onError });
    return { separator, entries: await withLinks(machine, src, walked, separator) };
  });
  await use.change(async (machine) => {
    if (plan === undefined) return copyFile(machine, src, dst, options.unique);
    await machine.files.makeDirectory(dst, { parents: true });
    await halfDone(async () => {
      for (const { path, type } of plan.entries) {
        const [from, to] = [joinPath(src, path, plan.separator), joinPath(dst, path, plan.separator)];
        if (type === "directory") await machine.files.makeDirectory(to, { parents: true });
        else await copyFile(machine, from, to, options.unique);
      }
    });
  });
  return OK;
}

/** Links become what they lead to, where that is a file. */
async function withLinks(
  machine: ConnectedMachine,
  src: string,
  walked: readonly Walked[],
  separator: string,
): Promise<readonly Walked[]> {
  for (const { path, type } of walked) {
    if (type === "other") throw unsupported(`${JSON.stringify(path)} is neither a file nor a directory`);
    if (type !== "symlink") continue;
    const target = await machine.files.stat(joinPath(src, path, separator));
    if (target.type !== "file") {
      throw unsupported(
        `${JSON.stringify(path)} is a link to something that is no file, which is not copied`,
      );
    }
  }
  return walked;
}

async function copyFile(machine: ConnectedMachine, src: string, dst: string, unique: string): Promise<void> {
  const { files } = machine;
  const first = await files.read(src, { offset: 0, length: PIECE_BYTES });
  if (first.length < PIECE_BYTES) return files.write(dst, first);
  // Somebody may copy a file onto itself, by whatever name: it is not touched before all of it has been read.
  const part = `${dst}.${unique}.part`;
  await files.write(part, first);
  await halfDone(async () => {
    try {
      for (let offset = first.length; ;) {
        const piece = await files.read(src, { offset, length: PIECE_BYTES });
        if (piece.length > 0) await files.write(part, piece, { append: true });
        offset += piece.length;
        if (piece.length < PIECE_BYTES) break;
      }
      await files.rename(part, dst);
    } catch (thrown) {
      await files.remove(part).catch(() => undefined);
      throw HoldfastError.from(thrown);
    }
  });
}
