// Visitors that wait, unread, because the client of their port is away or has its hands full. Bytes that nobody has
// read can still be delivered, or refused as a whole.
import type { Instant } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import { ExpiryQueue } from "../../relay/expiry.ts";
import type { TunnelRelayLimits } from "./limits.ts";

/** Somebody who connected to a public port. */
export interface Visitor {
  readonly port: number;
  readonly socket: Socket;
  /** Its number among all visitors. */
  readonly arrival: number;
}

export type ParkedLimits = Pick<TunnelRelayLimits, "parked" | "parkedPerTarget" | "parkedMs">;

export class ParkedVisitors {
  readonly #most: number;
  readonly #mostPerPort: number;
  readonly #expiry: ExpiryQueue<Visitor>;
  /** By port: at most `parkedPerTarget` for each lease, and `parked` in all. */
  readonly #byPort = new Map<number, Set<Visitor>>();

  constructor({ parked, parkedPerTarget, parkedMs }: ParkedLimits) {
    this.#most = parked;
    this.#mostPerPort = parkedPerTarget;
    this.#expiry = new ExpiryQueue(parkedMs);
  }

  get size(): number {
    return this.#expiry.size;
  }

  count(port: number): number {
    return this.#byPort.get(port)?.size ?? 0;
  }

  /** `false`: there are too many already. */
  park(visitor: Visitor, now: Instant): boolean {
    const waiting = this.#byPort.get(visitor.port) ?? new Set<Visitor>();
    if (waiting.size >= this.#mostPerPort || this.size >= this.#most) return false;
    waiting.add(visitor);
    this.#byPort.set(visitor.port, waiting);
    this.#expiry.add(visitor, now);
    // A paused socket does not tell that it ended, but it may tell that it broke.
    visitor.socket.once("close", () => this.leave(visitor));
    return true;
  }

  /** Of all who wait for one of these ports, the one who came first. */
  first(ports: Iterable<number>): Visitor | undefined {
    let first: Visitor | undefined;
    for (const port of ports) {
      const [visitor] = this.#byPort.get(port) ?? [];
      if (visitor !== undefined && (first === undefined || visitor.arrival < first.arrival)) first = visitor;
    }
    return first;
  }

  /** It waits no more. */
  leave(visitor: Visitor): void {
    this.#expiry.delete(visitor);
    const waiting = this.#byPort.get(visitor.port);
    waiting?.delete(visitor);
    if (waiting?.size === 0) this.#byPort.delete(visitor.port);
  }

  /** Take out those who waited too long. */
  expire(now: Instant): readonly Visitor[] {
    const expired = this.#expiry.expire(now);
    for (const visitor of expired) this.leave(visitor);
    return expired;
  }

  /** Take out everybody, or all of one port. */
  clear(port?: number): readonly Visitor[] {
    const all = [...this.#byPort.entries()].flatMap(([at, waiting]) =>
      port === undefined || port === at ? [...waiting] : [],
    );
    for (const visitor of all) this.leave(visitor);
    return all;
  }
}
