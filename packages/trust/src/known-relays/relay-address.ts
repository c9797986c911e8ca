// How relays are named: one form for each, whatever a person typed.
import { domainToASCII } from "node:url";
import { HoldfastError } from "@holdfast/core";

/** Lower case, ASCII, no final dot, no brackets around an IPv6 address. */
function canonicalHost(host: string): string {
  const bare = host
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  // An IPv6 address is no domain, and what is no domain either stays what it was.
  return bare.includes(":") ? bare : domainToASCII(bare) || bare;
}

/**
 * `relay.example:7836`, `[::1]:7836`: the name of an entry.
 * @throws HoldfastError `bad_address` (fatal) for what cannot be one.
 */
export function relayAddress(host: string, port: number): string {
  const name = canonicalHost(host);
  const address = name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`;
  if (isRelayAddress(address)) return address;
  throw new HoldfastError({
    code: "bad_address",
    message: `${JSON.stringify(address.slice(0, 300))} is no address of a relay`,
    kind: "fatal",
    fault: "local",
  });
}

/** As it may stand at the beginning of a line. */
export function isRelayAddress(text: string): boolean {
  return /^[^\s#\p{Cc}][^\s\p{Cc}]*:\d{1,5}$/u.test(text);
}

/** The identity of a relay that a certificate authority vouches for. */
export function nameIdentity(host: string): string {
  return `name:${canonicalHost(host)}`;
}

/** The identity of a relay that is known by its key. */
export function pinIdentity(fingerprint: string): string {
  return `pin:${fingerprint}`;
}
