// Private keys in files, and those that an agent holds.
import { readFile, stat } from "node:fs/promises";
import type { Interaction } from "../plugin/interaction.ts";
import type { BaseAgent, ParsedKey } from "./library.ts";
import { agentAt, lacksPassphrase, parseKey } from "./library.ts";

/** No key is larger. */
const MOST_KEY_BYTES = 65_536;

/** The agent at a socket, or a sentence that says why there is none. */
export async function findAgent(socket: string, only?: readonly Buffer[]): Promise<BaseAgent | string> {
  try {
    await stat(socket);
    return agentAt(socket, only);
  } catch (error) {
    return `there is no agent at ${socket}: ${(error as Error).message}`;
  }
}

/** A key that can sign; a sentence that says why not; nothing if the file is not there. Asks once for a passphrase. */
export async function openKey(
  file: string,
  interaction: Interaction,
): Promise<ParsedKey | string | undefined> {
  const text = await readSmall(file);
  if (text === undefined || typeof text === "string") return text;
  const key = parseKey(text);
  if (!(key instanceof Error)) return key.isPrivateKey() ? key : `${file} holds no private key`;
  if (!lacksPassphrase(key)) return `the key ${file} cannot be used: ${key.message}`;
  if (!interaction.attended) return `the key ${file} needs its passphrase, and nobody is there to give it`;
  const [passphrase = ""] = await interaction.ask([{ text: `Passphrase of ${file}: `, echo: false }]);
  const opened = parseKey(text, passphrase);
  return opened instanceof Error ? `this is not the passphrase of ${file}` : opened;
}

/** The public halves of keys in files: of `FILE.pub`, or of the file itself. */
export async function publicBlobs(files: readonly string[]): Promise<readonly Buffer[]> {
  const blobs = await Promise.all(files.flatMap((file) => [`${file}.pub`, file]).map(publicBlob));
  return blobs.filter((blob) => blob !== undefined);
}

async function publicBlob(file: string): Promise<Buffer | undefined> {
  const text = await readSmall(file);
  if (text === undefined || typeof text === "string") return undefined;
  const key = parseKey(text);
  return key instanceof Error ? undefined : key.getPublicSSH();
}

async function readSmall(file: string): Promise<Buffer | string | undefined> {
  try {
    const { size } = await stat(file);
    return size > MOST_KEY_BYTES ? `${file} is too large for a key` : await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? undefined : `${file}: ${message}`;
  }
}
