// Who gets a session: what the options demand, and that they demand something.
import { HoldfastError } from "@holdfast/core";
import { REFUSE, type HelloRequest, type HelloVerdict } from "@holdfast/core/session";
import type { MachineServerOptions } from "./options.ts";

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/i;

/** @throws HoldfastError `anonymous_server` (fatal) for a server that would let everybody in from other machines. */
export function checkClosed({ bind = "127.0.0.1", secret, authorizedOwners }: MachineServerOptions): void {
  if (secret !== undefined || authorizedOwners !== undefined || LOOPBACK.test(bind)) return;
  throw new HoldfastError({
    code: "anonymous_server",
    message: `a server without a secret would let everybody run programs here who can reach ${bind}`,
    hint: "give a secret (--secret-file FILE) or the clients' keys (--authorized-keys FILE), or listen on 127.0.0.1",
    kind: "fatal",
    fault: "local",
  });
}

/** In hex; absent for a client without an owner key. */
export function ownerIdOf({ ownerId }: HelloRequest): string | undefined {
  return ownerId === undefined ? undefined : Buffer.from(ownerId).toString("hex");
}

/** Whether the owner of this HELLO, whose proof of the secret is good if one is demanded, is one of those. */
export function isAuthorized(
  hello: HelloRequest,
  authorizedOwners: MachineServerOptions["authorizedOwners"],
): boolean {
  if (authorizedOwners === undefined) return true;
  const id = ownerIdOf(hello);
  // Ids are public, and of a hash that nobody can aim: comparing them in constant time would hide nothing.
  return id !== undefined && authorizedOwners().has(id);
}

export const UNAUTHORIZED: HelloVerdict = { type: "refuse", code: REFUSE.auth, retryAfterMs: 0 };

/** More than there is room for: come back later. */
export function busy(retryAfterMs: number): HelloVerdict {
  return { type: "refuse", code: REFUSE.busy, retryAfterMs };
}
