// Files behind a gate that every request passes.
import type { Files } from "../../plugin/files.ts";

/** Each request as `gate` lets it through. */
export function gatedFiles(files: Files, gate: <T>(ask: () => Promise<T>) => Promise<T>): Files {
  return {
    read: (...args) => gate(() => files.read(...args)),
    write: (...args) => gate(() => files.write(...args)),
    stat: (...args) => gate(() => files.stat(...args)),
    list: (...args) => gate(() => files.list(...args)),
    makeDirectory: (...args) => gate(() => files.makeDirectory(...args)),
    remove: (...args) => gate(() => files.remove(...args)),
    rename: (...args) => gate(() => files.rename(...args)),
    exists: (...args) => gate(() => files.exists(...args)),
  };
}
