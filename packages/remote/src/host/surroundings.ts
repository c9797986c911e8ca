// What a process of this machine starts with: the program behind a request, its directory and its environment.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { delimiter, isAbsolute, resolve } from "node:path";
import { HoldfastError } from "@holdfast/core";
import { ownEnvironment, ownPlatform } from "../children.ts";
import type { CallerEnvironment } from "../plugin/plugin.ts";
import type { ProcessRequest } from "../plugin/process.ts";
import { quoted } from "../plugin/peer-text.ts";
import { fileFailure } from "./file-failure.ts";

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: Record<string, string>;
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Where processes start, and relative paths begin: the caller's home. */
export function startDirectory(caller: CallerEnvironment): string {
  return caller.HOME ?? homedir();
}

export function userShell(): string {
  if (ownPlatform() === "win32") return ownEnvironment()["ComSpec"] ?? "cmd.exe";
  return userInfo().shell ?? ownEnvironment()["SHELL"] ?? "/bin/sh";
}

/** @throws HoldfastError `bad_environment`, `bad_command`, `not_found`, `not_a_directory` (all fatal). */
export async function programOf(request: ProcessRequest, caller: CallerEnvironment): Promise<Program> {
  const environment = environmentOf(request, caller);
  const directory = resolve(startDirectory(caller), request.directory ?? ".");
  await checkDirectory(directory);
  return { ...wordsOf(request), directory, environment };
}

/**
 * The program's file, as `execvp` would find it.
 * @throws HoldfastError `not_found`, `permission_denied` (fatal).
 */
export async function findProgram({ file, directory, environment }: Program): Promise<string> {
  const folders = (environment["PATH"] ?? "").split(delimiter);
  const candidates = file.includes("/")
    ? [resolve(directory, file)]
    : folders.map((one) => resolve(one, file));
  let there: string | undefined;
  for (const candidate of candidates) {
    if (
      !(await stat(candidate).then(
        (found) => found.isFile(),
        () => false,
      ))
    )
      continue;
    there = candidate;
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  }
  throw startFailure(file, { code: there === undefined ? "ENOENT" : "EACCES" });
}

/** Why a program could not be started. */
export function startFailure(file: string, cause: unknown): HoldfastError {
  const name = quoted(file);
  const details = { kind: "fatal", fault: "local", cause } as const;
  switch ((cause as { code?: unknown }).code) {
    case "ENOENT":
      return new HoldfastError({ ...details, code: "not_found", message: `there is no program ${name}` });
    case "EACCES":
      return new HoldfastError({
        ...details,
        code: "permission_denied",
        message: `${name} may not be executed`,
      });
    case "E2BIG":
      return new HoldfastError({ ...details, code: "too_large", message: `${name} has too long arguments` });
    default: {
      const { code, text, kind, fault } = HoldfastError.from(cause);
      return new HoldfastError({ code, message: `${name} was not started: ${text}`, kind, fault, cause });
    }
  }
}

function wordsOf({ command }: ProcessRequest): Pick<Program, "file" | "args"> {
  const windows = ownPlatform() === "win32";
  if (command === undefined) return { file: userShell(), args: windows ? [] : ["-l"] };
  const words = typeof command === "string" ? [userShell(), windows ? "/c" : "-c", command] : command;
  const [file = "", ...args] = words;
  if (file !== "" && !words.some((word) => word.includes("\0"))) return { file, args };
  const message = "a command needs a program, and none of its words may have a NUL";
  throw new HoldfastError({ code: "bad_command", message, kind: "fatal", fault: "local" });
}

function environmentOf(request: ProcessRequest, caller: CallerEnvironment): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const part of [ownEnvironment(), caller, checkedVariables(request.environment ?? {})]) {
    for (const [name, value] of Object.entries(part)) if (value !== undefined) environment[name] = value;
  }
  return environment;
}

function checkedVariables(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(variables)) {
    if (VARIABLE.test(name) && !value.includes("\0")) continue;
    const message = `the variable ${quoted(name)} has a name or a value that no process can be given`;
    const hint = "names have letters, digits and _, values have no NUL";
    throw new HoldfastError({ code: "bad_environment", message, hint, kind: "fatal", fault: "local" });
  }
  return variables;
}

async function checkDirectory(directory: string): Promise<void> {
  if (!isAbsolute(directory)) return;
  const found = await stat(directory).catch((error: unknown) => {
    throw fileFailure("start in", directory, error);
  });
  if (!found.isDirectory()) throw fileFailure("start in", directory, { code: "ENOTDIR" });
}
