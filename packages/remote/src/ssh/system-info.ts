// What the far side is, asked by one small command that every unix has.
import { HoldfastError } from "@holdfast/core";
import type { SystemInfo } from "../plugin/machine.ts";
import type { LineResult } from "./run-line.ts";

const OPEN = "holdfast-system-info";
/** NUL ends each value: a folder may have a newline in its name. */
export const SYSTEM_INFO_LINE: string = `exec sh -c 'printf "%s\\0" ${OPEN} "$(uname -s)" "$(uname -m)" "$(pwd)" "$(id -un)" "$SHELL"'`;

/** As Node names them. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "x64",
  amd64: "x64",
  aarch64: "arm64",
  i386: "ia32",
  i686: "ia32",
  armv6l: "arm",
  armv7l: "arm",
};

/** @throws HoldfastError `unsupported`: the far side is no unix. */
export function readSystemInfo({ stdout }: LineResult): SystemInfo {
  // A login shell may have printed something before.
  const at = stdout.indexOf(`${OPEN}\0`);
  const [, system, machine, currentDirectory, username, shell] =
    at === -1 ? [] : stdout.slice(at).split("\0");
  if (shell === undefined || system === undefined || machine === undefined) throw noUnix();
  return {
    family: "unix",
    os: system.toLowerCase(),
    arch: ARCHITECTURES[machine] ?? machine,
    currentDirectory: currentDirectory ?? "",
    username: username ?? "",
    shell,
  };
}

function noUnix(): HoldfastError {
  const message = "the far side does not say what system it is: it has no sh, or allows no commands";
  return new HoldfastError({ code: "unsupported", message, kind: "fatal", fault: "peer" });
}
