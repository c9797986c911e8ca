// Visitors that wait, unread, for a client to take them. They belong to the relay and not to a tunnel, because a
// client takes them by identifier over a connection of its own, and may do so after its control connection is gone.
import type { Instant } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import type { Uuid } from "../uuid.ts";
import { ExpiryQueue } from "../../relay/expiry.ts";
import type { RelayTunnel } from "./tunnel.ts";

export interface PendingVisitor {
  readonly id: Uuid;
  readonly socket: Socket;
  /** Who is to take it; changes when another client takes the port over. */
  tunnel: RelayTunnel;
}

export class PendingVisitors {
  /** At most `limits.pendingVisitorsPerTunnel` for each tunnel. */
  readonly #byId = new Map<Uuid, PendingVisitor>();
  readonly #expiry: ExpiryQueue<PendingVisitor>;
  readonly #onLeave: (visitor: PendingVisitor) => void;

  /** `onLeave` is called for each visitor that waits no longer, whatever the reason. */
  constructor(lifetimeMs: number, onLeave: (visitor: PendingVisitor) => void) {
    this.#expiry = new ExpiryQueue(lifetimeMs);
    this.#onLeave = onLeave;
  }

  get size(): number {
    return this.#byId.size;
  }

  add(visitor: PendingVisitor, now: Instant): void {
    this.#byId.set(visitor.id, visitor);
    this.#expiry.add(visitor, now);
    visitor.tunnel.pending += 1;
    // A paused socket does not tell that it ended, but it may tell that it broke.
    visitor.socket.once("close", () => this.take(visitor.id));
  }

  /** The visitor is taken, or gone. */
  take(id: Uuid): PendingVisitor | undefined {
    const visitor = this.#byId.get(id);
    if (visitor === undefined) return undefined;
    this.#byId.delete(id);
    this.#expiry.delete(visitor);
    visitor.tunnel.pending -= 1;
    this.#onLeave(visitor);
    return visitor;
  }

  /** Those that waited too long. */
  expire(now: Instant): PendingVisitor[] {
    const expired = this.#expiry.expire(now);
    for (const { id } of expired) this.take(id);
    return expired;
  }

  /** Those who wait for one client now wait for another. */
  moveTo(from: RelayTunnel, to: RelayTunnel): PendingVisitor[] {
    const moved = [...this.#byId.values()].filter(({ tunnel }) => tunnel === from);
    for (const visitor of moved) {
      visitor.tunnel = to;
      from.pending -= 1;
      to.pending += 1;
    }
    return moved;
  }

  clear(): PendingVisitor[] {
    const all = [...this.#byId.values()];
    for (const { id } of all) this.take(id);
    return all;
  }
}
