// Paths as they are asked for, and names as a container reports them: both are checked before anything is done.
import { HoldfastError } from "@holdfast/core";
import { quoted } from "../../plugin/peer-text.ts";

const MOST_PATH_BYTES = 4_095;

/** Absolute, without slashes at its end, so that it is never an option and never follows a link by its slash. */
export function absolutePath(path: string, directory: string): string {
  if (path === "" || path.includes("\0")) throw badPath(path === "" ? "it is empty" : "it has a NUL");
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) throw badPath(`it is longer than ${MOST_PATH_BYTES} bytes`);
  const whole = path.startsWith("/") ? path : `${directory.replace(/\/$/, "")}/${path}`;
  return whole.replace(/(?<=.)\/+$/, "");
}

/** The folder that a path is in, and its name there. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const at = path.lastIndexOf("/");
  return { folder: at === 0 ? "/" : path.slice(0, at), name: path.slice(at + 1) };
}

/** One name without a path, which may be shown and used. */
export function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0\uFFFD]/.test(name);
}

/** For messages: with control bytes escaped. */
export function shown(path: string): string {
  return quoted(path);
}

/** @throws HoldfastError `bad_range` (fatal). */
export function checkRange(offset: number, length: number | undefined): void {
  const good = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (good(offset) && (length === undefined || good(length))) return;
  const message = `offset ${offset} and length ${length ?? "all"} are no range of bytes`;
  throw new HoldfastError({ code: "bad_range", message, kind: "fatal", fault: "local" });
}

export function fileError(code: string, path: string, text: string): HoldfastError {
  return new HoldfastError({ code, message: `${shown(path)}: ${text}`, kind: "fatal", fault: "peer" });
}

function badPath(why: string): HoldfastError {
  return new HoldfastError({
    code: "bad_path",
    message: `this is no path: ${why}`,
    kind: "fatal",
    fault: "local",
  });
}
