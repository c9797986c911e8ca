// Whose a port or a name is: the owner key, which the client makes for itself and shows to nobody, and what is derived
// from it for each relay.
import { createHmac, randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { HoldfastError } from "@holdfast/core";
import { createFileOnce } from "./files/atomic-file.ts";
import { ensurePrivateFolder } from "./files/private-folder.ts";
import { readStateFile } from "./files/state-file.ts";

const KEY_BYTES = 32;
const OWNER_ID_BYTES = 16;
/** One is the rule; a few more if others set aside or remove the file at the same time. */
const MAX_ROUNDS = 10;

export interface OwnerKeyOptions {
  /** A damaged key was set aside and another was made. */
  readonly onWarning?: (warning: HoldfastError) => void;
}

/**
 * The owner key of this user: 32 random bytes, kept as hex in a file of mode 0600 in a folder of mode 0700, made on
 * first use. Several processes that do so at once get the same key.
 * @throws HoldfastError `unsafe_folder`, `unsafe_file`, `cannot_make_folder`, `cannot_read`, `cannot_write`.
 */
export async function loadOwnerKey(file: string, options: OwnerKeyOptions = {}): Promise<Uint8Array> {
  await ensurePrivateFolder(dirname(file));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { value, setAside } = await readStateFile(file, parseKey);
    if (value !== undefined) return value;
    if (setAside !== undefined) {
      const message = `the owner key ${file} was damaged; it is now ${setAside}, and a new one is made`;
      const hint = "ports and names that were leased with the old key are free again when their leases end";
      options.onWarning?.(new HoldfastError({ code: "corrupt_file", message, fault: "local", hint }));
    }
    // Whether it was this process or another that made it, what is in the file counts.
    await createFileOnce(file, `${randomBytes(KEY_BYTES).toString("hex")}\n`);
  }
  throw new HoldfastError({
    code: "cannot_write",
    message: `${file} does not keep what is written to it`,
    kind: "fatal",
    fault: "local",
  });
}

function parseKey(text: string): Uint8Array {
  if (!/^[0-9a-f]{64}\n?$/.test(text)) throw new Error("not 64 hex digits");
  return new Uint8Array(Buffer.from(text.slice(0, 2 * KEY_BYTES), "hex"));
}

/**
 * What a client shows to one relay, 32 bytes: worthless at every other.
 * @param relayIdentity whom TLS verified: `name:<host>` or `pin:<fingerprint>`.
 */
export function ownerToken(ownerKey: Uint8Array, relayIdentity: string): Uint8Array {
  const mac = createHmac("sha256", ownerKey).update("holdfast owner\0", "utf8").update(relayIdentity, "utf8");
  return new Uint8Array(mac.digest());
}

/**
 * A secret that programs of one user on one machine share without being told: whoever can read the owner key knows it.
 * For links without TLS, where a token would be worth something to whoever took the port.
 */
export function ownSecret(ownerKey: Uint8Array): string {
  return createHmac("sha256", ownerKey).update("holdfast own secret").digest("hex");
}

/** What a relay keeps and shows of a token, 16 bytes: enough to recognise an owner, not enough to be it. */
export function ownerId(token: Uint8Array): Uint8Array {
  const mac = createHmac("sha256", "holdfast owner id").update(token).digest();
  return new Uint8Array(mac.subarray(0, OWNER_ID_BYTES));
}
