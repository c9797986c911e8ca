// Whom a server lets in by their keys: those of a file; or, where there is neither a secret nor a file, this user alone.
import { join } from "node:path";
import { loadOwnerKey, ownSecret } from "@holdfast/trust";
import type { Context } from "../command.ts";
import { escapeText } from "../terminal/escape.ts";
import { isThisMachine } from "../tls-trust.ts";
import { plural } from "../terminal/format.ts";
import { readAuthorizedKeys } from "./authorized-keys.ts";

export interface Clients {
  /** What they must prove to know; `undefined`: nothing. */
  readonly secret: string | undefined;
  /** Their ids; `undefined`: keys are not looked at. */
  readonly authorized: (() => ReadonlySet<string>) | undefined;
  /** How many; `undefined`: keys are not looked at. */
  readonly count: number | undefined;
  /** Who comes in, as a line of status. */
  readonly description: string;
  /** @throws HoldfastError as `readAuthorizedKeys`; then the old ones stay. */
  reload(): Promise<void>;
}

export interface ClientsOptions {
  /** Where the server listens. */
  readonly bind: string;
  readonly secret: string | undefined;
  /** Of `--authorized-keys`. */
  readonly file: string | undefined;
}

/**
 * Without a secret or keys, only a server of this machine has clients: this user's.
 * @throws HoldfastError `bad_keys` (fatal), and what `loadOwnerKey` throws.
 */
export async function openClients(
  context: Context,
  { bind, secret, file }: ClientsOptions,
): Promise<Clients> {
  if (file !== undefined) return ofFile(file, await readAuthorizedKeys(file), secret);
  if (secret !== undefined) return everybodyWithSecret(secret);
  // Which is refused when it is started.
  if (!isThisMachine(bind)) return nobody();
  const key = await loadOwnerKey(join(context.paths.stateFolder, "owner.key"), {
    onWarning: (warning) => context.output.warn(escapeText(warning.text), warning.hint),
  });
  return thisUser(key);
}

function ofFile(file: string, first: ReadonlySet<string>, secret: string | undefined): Clients {
  let keys = first;
  const who = `${plural(first.size, "authorized key")} of ${escapeText(file)}`;
  return {
    secret,
    authorized: () => keys,
    get count() {
      return keys.size;
    },
    description:
      secret !== undefined ? `lets in who knows the secret and has one of ${who}` : `lets in ${who}`,
    reload: async () => void (keys = await readAuthorizedKeys(file)),
  };
}

function everybodyWithSecret(secret: string): Clients {
  return {
    secret,
    authorized: undefined,
    count: undefined,
    description: "lets in who knows the secret",
    reload: async () => undefined,
  };
}

function nobody(): Clients {
  return {
    secret: undefined,
    authorized: undefined,
    count: undefined,
    description: "",
    reload: async () => undefined,
  };
}

/** Programs of this user can read the key, and prove so without showing anything. */
function thisUser(key: Uint8Array): Clients {
  return {
    secret: ownSecret(key),
    authorized: undefined,
    count: 1,
    description: "no secret is set: lets in this user alone, on this machine",
    reload: async () => undefined,
  };
}
