// What can be said of a socket's other end without asking anybody: whether what is written stays on this machine.
import type { Socket } from "node:net";
import type { ByteLinkTrust } from "../byte-link.ts";
import type { Endpoint } from "./endpoint.ts";

/** An address as the system lists it: without the zone, and IPv4 as IPv4. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/, "");
}

/** As the system lists it for an interface; none for loopback, which never leaves a machine. */
export function interfaceAddress(address: string | undefined): string | undefined {
  const plain = plainAddress(address);
  return plain === undefined || plain === "::1" || plain.startsWith("127.") ? undefined : plain;
}

/** Whether both ends of the socket are on this machine: a unix socket, or loopback. */
export function staysHere(socket: Socket): boolean {
  // A socket that is closed has no addresses; a unix socket never has.
  const { localFamily, remoteAddress, localAddress } = socket;
  if (localFamily === undefined) return !socket.destroyed;
  return isLoopbackAddress(remoteAddress) && isLoopbackAddress(localAddress);
}

/** The trust in a socket without TLS. `proxied`: a program in between passes it on to somewhere else. */
export function plainTrust(socket: Socket, endpoint: Endpoint, proxied = false): ByteLinkTrust {
  const confidential = !proxied && staysHere(socket);
  // A machine has many names for itself, and is one relay under all of them.
  const host = confidential ? "localhost" : nameOf(endpoint);
  const name = "path" in endpoint ? endpoint.path : host;
  return { confidential, exporter: undefined, relayIdentity: `name:${name}` };
}

function nameOf(endpoint: Endpoint): string {
  return "path" in endpoint ? endpoint.path : endpoint.host.toLowerCase().replace(/\.$/, "");
}

/** 127.0.0.0/8 and ::1, also IPv4 within IPv6. */
export function isLoopbackAddress(address: string | undefined): boolean {
  const plain = plainAddress(address);
  return plain !== undefined && (plain === "::1" || plain.startsWith("127."));
}
