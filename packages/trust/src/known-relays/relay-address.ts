// How relays are named: one form for each, whatever a person typed.
import { domainToASCII } from "node:url";

/** Lower case, ASCII, no final dot, no brackets around an IPv6 address. */
export function canonicalHost(host: string): string {
  const bare = host
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  // An IPv6 address is no domain, and what is no domain either stays what it was.
  return bare.includes(":") ? bare : domainToASCII(bare) || bare;
}

/** `relay.example:7836`, `[::1]:7836`: the name of an entry. */
export function relayAddress(host: string, port: number): string {
  const name = canonicalHost(host);
  return name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`;
}

/** The identity of a relay that a certificate authority vouches for. */
export function nameIdentity(host: string): string {
  return `name:${canonicalHost(host)}`;
}

/** The identity of a relay that is known by its key. */
export function pinIdentity(fingerprint: string): string {
  return `pin:${fingerprint}`;
}
