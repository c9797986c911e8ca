// Who may come in without a secret, or besides one: a file with a line for each client's key.
//
//     # laptop of Ada
//     6f1d…32 hex digits…  ada@laptop
//
// A line holds an owner id: the hash of what the client shows to this server, and to no other. It is enough to
// recognise the client and not enough to be it, so the file is no secret; but whoever can write it can come in.
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { describeSystemError } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { ownerId, ownerToken } from "@holdfast/trust";

/** More lines than that are no list of people. */
const MAX_KEYS = 4_096;
const MAX_BYTES = 1_048_576;
const WRITABLE_BY_OTHERS = 0o022;

/** @throws HoldfastError `bad_keys` (fatal) naming the first line that is not understood. */
export function parseAuthorizedKeys(text: string, file: string): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [word = ""] = line.trim().split(/\s+/);
    if (word === "" || word.startsWith("#")) continue;
    if (!/^[0-9a-f]{32}$/i.test(word)) {
      throw bad(`line ${index + 1} of ${file} does not begin with a client's key: 32 hex digits`);
    }
    keys.add(word.toLowerCase());
    if (keys.size > MAX_KEYS) throw bad(`${file} has more than ${MAX_KEYS} keys`);
  }
  return keys;
}

/** @throws HoldfastError `bad_keys` (fatal) if the file cannot be read, or others can write it. */
export async function readAuthorizedKeys(file: string): Promise<ReadonlySet<string>> {
  let opened: FileHandle;
  try {
    opened = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (thrown) {
    throw bad(`cannot read ${file}: ${describeSystemError(thrown)}`);
  }
  try {
    const { mode, size, uid } = await opened.stat();
    const me = process.geteuid?.();
    if (size > MAX_BYTES) throw bad(`${file} has ${size} bytes, which is no list of keys`);
    if (me !== undefined && uid !== me && uid !== 0)
      throw bad(`${file} belongs to user ${uid}, so it is not used`);
    if (me !== undefined && (mode & WRITABLE_BY_OTHERS) !== 0) {
      throw bad(`others can write ${file}, so it is not used`, `run: chmod go-w ${file}`);
    }
    return parseAuthorizedKeys(await opened.readFile("utf8"), file);
  } finally {
    await opened.close();
  }
}

/** In hex. `identity`: whom the client takes the server to be. */
export function idTowards(ownerKey: Uint8Array, identity: string): string {
  return Buffer.from(ownerId(ownerToken(ownerKey, identity))).toString("hex");
}

function bad(message: string, hint?: string): HoldfastError {
  return new HoldfastError({ code: "bad_keys", message, hint, kind: "fatal", fault: "local" });
}
