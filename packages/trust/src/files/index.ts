// The public names of private files: how everything that Holdfast keeps on disk is written, checked and read.
export { createFileOnce, writeFileAtomically } from "./atomic-file.ts";
export { FileSaver } from "./file-saver.ts";
export type { FileSaverOptions } from "./file-saver.ts";
export { withFileLock } from "./file-lock.ts";
export type { FileLock, FileLockOptions } from "./file-lock.ts";
export { MAX_PRIVATE_FILE_BYTES, readPrivateFile } from "./private-file.ts";
export { checkPrivateFolder, ensurePrivateFolder } from "./private-folder.ts";
export { readStateFile } from "./state-file.ts";
export type { StateFile } from "./state-file.ts";
export { describeSystemError, errorCode } from "./system-error.ts";
