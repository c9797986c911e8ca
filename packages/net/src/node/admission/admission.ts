// How much one address may ask of the relay. Counts only; who is refused is dropped by the caller.
import type { Clock } from "@holdfast/core";

const MINUTE_MS = 60_000;
/** How often a full table is looked through, at most. */
const TIDY_MS = 1_000;

/** What one address may have, and all of them together. */
export interface AddressLimits {
  /** Connections from one address: clients, and those that have not said yet what they are. */
  readonly connectionsPerAddress: number;
  /** Connections from one address that have not said yet what they are, visitors that wait for it not counted. */
  readonly unauthenticatedPerAddress: number;
  /** Wrong secrets from one address within a minute; above it, its connections are dropped unheard. */
  readonly failedAuthenticationsPerMinute: number;
  /** Clients (tunnels of bore, sessions) from one address. */
  readonly clientsPerAddress: number;
  /** Addresses that are counted at the same time; a further one is dropped. */
  readonly addresses: number;
  /** Connections in all that have not said yet what they are. */
  readonly handshakes: number;
}

interface Count {
  handshakes: number;
  clients: number;
  /** Visitors that wait for a client at this address: each entitles it to one more connection. */
  pendingVisitors: number;
  failures: number[];
}

export class Admission {
  readonly #limits: AddressLimits;
  readonly #clock: Clock;
  /** At most `limits.addresses`. */
  readonly #counts = new Map<string, Count>();
  #handshakes = 0;
  #tidiedAt = -Infinity;

  constructor(limits: AddressLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** A connection came. `false`: drop it. Else `handshakeDone` must follow. */
  handshakeBegins(address: string): boolean {
    this.#makeRoom();
    const count = this.#countOf(address);
    const { connectionsPerAddress, unauthenticatedPerAddress, handshakes } = this.#limits;
    const entitled = count.pendingVisitors;
    const allowed =
      this.#counts.size <= this.#limits.addresses &&
      this.#handshakes < handshakes &&
      count.handshakes < unauthenticatedPerAddress + entitled &&
      count.handshakes + count.clients < connectionsPerAddress + entitled &&
      this.#recentFailures(count) < this.#limits.failedAuthenticationsPerMinute;
    if (allowed) {
      count.handshakes += 1;
      this.#handshakes += 1;
    }
    this.#forget(address, count);
    return allowed;
  }

  /** The connection has said what it is, or has gone. */
  handshakeDone(address: string): void {
    this.#handshakes -= 1;
    this.#change(address, (count) => (count.handshakes -= 1));
  }

  /** The address presented a wrong secret. */
  authenticationFailed(address: string): void {
    this.#change(address, (count) => count.failures.push(this.#clock.mono()));
  }

  /** A client wants to stay. `false`: refuse it. Else `clientLeaves` must follow. */
  clientStays(address: string): boolean {
    const count = this.#countOf(address);
    const allowed = count.clients < this.#limits.clientsPerAddress;
    if (allowed) count.clients += 1;
    this.#forget(address, count);
    return allowed;
  }

  /** Whether a client more may stay. */
  hasRoom(address: string): boolean {
    return (this.#counts.get(address)?.clients ?? 0) < this.#limits.clientsPerAddress;
  }

  /** A client stays, because there was room when it asked. `clientLeaves` must follow. */
  clientCame(address: string): void {
    this.#change(address, (count) => (count.clients += 1));
  }

  clientLeaves(address: string): void {
    this.#change(address, (count) => (count.clients -= 1));
  }

  visitorWaits(address: string): void {
    this.#change(address, (count) => (count.pendingVisitors += 1));
  }

  visitorDone(address: string): void {
    this.#change(address, (count) => (count.pendingVisitors -= 1));
  }

  /** Failures are remembered for a minute, and forgotten only when somebody looks. */
  #makeRoom(): void {
    const now = this.#clock.mono();
    if (this.#counts.size < this.#limits.addresses || now - this.#tidiedAt < TIDY_MS) return;
    this.#tidiedAt = now;
    for (const [address, count] of this.#counts) this.#forget(address, count);
  }

  #recentFailures(count: Count): number {
    const since = this.#clock.mono() - MINUTE_MS;
    count.failures = count.failures.filter((at) => at > since);
    return count.failures.length;
  }

  #change(address: string, change: (count: Count) => void): void {
    const count = this.#countOf(address);
    change(count);
    this.#forget(address, count);
  }

  #countOf(address: string): Count {
    const known = this.#counts.get(address);
    if (known !== undefined) return known;
    const count: Count = { handshakes: 0, clients: 0, pendingVisitors: 0, failures: [] };
    this.#counts.set(address, count);
    return count;
  }

  #forget(address: string, count: Count): void {
    const held = count.handshakes + count.clients + count.pendingVisitors;
    if (held === 0 && this.#recentFailures(count) === 0) this.#counts.delete(address);
  }
}

/** The address that limits go by: IPv4 as it is, of IPv6 the network, because a host has all of that. */
export function limitKey(address: string | undefined): string {
  if (address === undefined) return "unknown";
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!plain.includes(":")) return plain;
  return `${expand(plain).slice(0, 4).join(":")}::/64`;
}

function expand(address: string): string[] {
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
}
