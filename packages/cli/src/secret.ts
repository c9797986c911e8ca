// The shared secret, from wherever it was given: as text or in a file.
import { readFile, stat } from "node:fs/promises";
import { describeSystemError } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { Values } from "./options/option.ts";
import type { secretOptions } from "./options/flags.ts";
import type { Output } from "./terminal/output.ts";
import { usageError } from "./usage.ts";

/** @throws HoldfastError `usage` if it cannot be read or is empty. */
export async function readSecret(
  values: Values<typeof secretOptions>,
  output: Output,
): Promise<string | undefined> {
  const { secret, secretFile } = values;
  if (secretFile === undefined) return secret;
  const text = secretFile === "-" ? await readStdin() : await readSecretFile(secretFile, output);
  return withoutLineEnd(text, secretFile === "-" ? "stdin" : secretFile);
}

/** Editors and `echo` put one behind it. */
function withoutLineEnd(text: string, where: string): string {
  const trimmed = text.replace(/\r?\n$/, "");
  if (trimmed === "") throw usageError(`the secret in ${where} is empty`);
  return trimmed;
}

/** The secret in a file. @throws HoldfastError `usage` if it cannot be read or is empty. */
export async function readSecretAgain(path: string): Promise<string> {
  try {
    return withoutLineEnd(await readFile(path, "utf8"), path);
  } catch (thrown) {
    if (thrown instanceof HoldfastError) throw thrown;
    throw usageError(`cannot read the secret in ${path}: ${describeSystemError(thrown)}`);
  }
}

/** Whether there is a file that can be read again. */
export function hasSecretFile({ secretFile }: Values<typeof secretOptions>): boolean {
  return secretFile !== undefined && secretFile !== "-";
}

async function readSecretFile(path: string, output: Output): Promise<string> {
  try {
    const text = await readFile(path, "utf8");
    const found = await stat(path);
    if (process.getuid !== undefined && found.isFile() && (found.mode & 0o044) !== 0) {
      output.warn(`other users can read the secret in ${path}`, `run: chmod 600 ${path}`);
    }
    return text;
  } catch (thrown) {
    throw usageError(`cannot read the secret in ${path}: ${describeSystemError(thrown)}`);
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
