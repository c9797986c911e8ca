// All leases of a relay, and the questions that are asked about many of them. The rules for one are in `lease.ts`.
import type { Instant } from "@holdfast/core";
import {
  judgeBind,
  leaseExpired,
  stepLease,
  type BindVerdict,
  type Claimant,
  type HeldLease,
  type Lease,
  type LeaseInput,
} from "./lease.ts";

export interface LeaseLimits {
  /** How long a lease outlives its owner's presence, in milliseconds. */
  readonly leaseMs: number;
  /** Leases in all. */
  readonly leases: number;
  /** Leases of one owner, or of one session without an owner. */
  readonly targetsPerOwner: number;
  /** Leases that were made from one address and have not ended. */
  readonly leasesPerAddress: number;
}

/** Whether there is room for a lease, and which one had to go for it. */
export type Room =
  | { readonly ok: true; readonly dropped: Lease | undefined }
  | { readonly ok: false; readonly full: "owner" | "address" | "relay" };

export class LeaseTable {
  readonly #limits: LeaseLimits;
  /** At most `limits.leases`. */
  readonly #byPort = new Map<number, Lease>();
  /** Ports by owner, or by session for those without: at most `limits.leases`. */
  readonly #byOwner = new Map<string, Set<number>>();
  /** Ports that a session holds: at most `limits.leases`. */
  readonly #bySession = new Map<string, Set<number>>();
  /** Ports by the address that their leases count for: at most `limits.leases`. */
  readonly #byAddress = new Map<string, Set<number>>();

  constructor(limits: LeaseLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byPort.size;
  }

  /** When the first of the leases that nobody holds ends; `Infinity` if there are none. */
  get nextEnd(): Instant {
    let next = Infinity;
    for (const lease of this.#byPort.values()) if (lease.state === "kept") next = Math.min(next, lease.until);
    return next;
  }

  leases(): Iterable<Lease> {
    return this.#byPort.values();
  }

  get(port: number): Lease | undefined {
    return this.#byPort.get(port);
  }

  /** What a session holds. */
  heldBy(session: string): readonly HeldLease[] {
    const leases = [...(this.#bySession.get(session) ?? [])].map((port) => this.#byPort.get(port));
    return leases.filter((lease) => lease?.state === "held");
  }

  /**
   * The lease that a client means which does not name a port: its own for this target, if it does not have it yet. Of
   * several it is the one that was used last, unless somebody is there who has it.
   */
  meant({ owner, session, label, instance }: Claimant): Lease | undefined {
    if (owner === undefined) return undefined;
    const ports = [...(this.#byOwner.get(ownerKey(owner)) ?? [])];
    const candidates = ports
      .map((port) => this.#byPort.get(port))
      .filter((lease) => lease !== undefined)
      .filter((lease) => lease.label === label && !(lease.state === "held" && lease.session === session));
    // Whatever happens to a lease puts it at the end.
    candidates.reverse();
    const own = candidates.find((lease) => lease.instance === instance);
    const free = candidates.find((lease) => lease.state === "kept" || lease.awaySince !== undefined);
    return own ?? free ?? candidates[0];
  }

  /** As `judgeBind`; nothing changes. */
  judge(claimant: Claimant, port: number, evidence: Parameters<typeof judgeBind>[3]): BindVerdict {
    return judgeBind(this.#byPort.get(port), claimant, port, evidence);
  }

  /** Make sure that there is room for one lease more: the oldest one that its owner does not use may have to go. */
  makeRoom(claimant: Claimant): Room {
    const ports = [...(this.#byOwner.get(ownerOf(claimant)) ?? [])];
    const needed = ports.length >= this.#limits.targetsPerOwner;
    const unused = needed
      ? ports.map((port) => this.#byPort.get(port)).find((lease) => lease?.state === "kept")
      : undefined;
    if (needed && unused === undefined) return { ok: false, full: "owner" };
    const { from } = claimant;
    // What goes makes room for the others' limits, too, but nothing goes for nothing.
    const freed = unused !== undefined && unused.from === from ? 1 : 0;
    const made = from === undefined ? 0 : (this.#byAddress.get(from)?.size ?? 0);
    if (made - freed >= this.#limits.leasesPerAddress) return { ok: false, full: "address" };
    if (this.#byPort.size - (unused === undefined ? 0 : 1) >= this.#limits.leases) {
      return { ok: false, full: "relay" };
    }
    if (unused !== undefined) this.#delete(unused);
    return { ok: true, dropped: unused };
  }

  /** What `judge` granted. */
  take(lease: HeldLease): void {
    const before = this.#byPort.get(lease.port);
    if (before !== undefined) this.#delete(before);
    this.#put(lease);
  }

  /** A session's holding changes; one lease, or all of them. @returns what became of each; nothing where it is gone. */
  change(
    session: string,
    input: LeaseInput,
    now: Instant,
    port?: number,
  ): readonly { readonly before: HeldLease; readonly after: Lease | undefined }[] {
    const held = this.heldBy(session).filter((lease) => port === undefined || lease.port === port);
    return held.map((before) => {
      const after = stepLease(before, input, now, this.#limits.leaseMs);
      this.#delete(before);
      if (after !== undefined && !leaseExpired(after, now)) {
        this.#put(after);
        return { before, after };
      }
      return { before, after: undefined };
    });
  }

  /** Put back what a relay before this one promised. `false`: there is no room, or the port has a lease. */
  restore(lease: Lease): boolean {
    if (this.#byPort.has(lease.port) || this.#byPort.size >= this.#limits.leases) return false;
    this.#put(lease);
    return true;
  }

  /** Take out every lease whose time is over. */
  expire(now: Instant): readonly Lease[] {
    const expired = [...this.#byPort.values()].filter((lease) => leaseExpired(lease, now));
    for (const lease of expired) this.#delete(lease);
    return expired;
  }

  #put(lease: Lease): void {
    this.#byPort.set(lease.port, lease);
    add(this.#byOwner, ownerOfLease(lease), lease.port);
    if (lease.state === "held") add(this.#bySession, lease.session, lease.port);
    if (lease.from !== undefined) add(this.#byAddress, lease.from, lease.port);
  }

  #delete(lease: Lease): void {
    this.#byPort.delete(lease.port);
    remove(this.#byOwner, ownerOfLease(lease), lease.port);
    if (lease.state === "held") remove(this.#bySession, lease.session, lease.port);
    if (lease.from !== undefined) remove(this.#byAddress, lease.from, lease.port);
  }
}

function ownerOf({
  owner,
  session,
}: {
  readonly owner: string | undefined;
  readonly session: string;
}): string {
  return owner === undefined ? `session ${session}` : ownerKey(owner);
}

/** A lease without an owner is always held: it ends with its session. */
function ownerOfLease(lease: Lease): string {
  return ownerOf({ owner: lease.owner, session: lease.state === "held" ? lease.session : "" });
}

function ownerKey(owner: string): string {
  return `owner ${owner}`;
}

function add(index: Map<string, Set<number>>, key: string, port: number): void {
  const ports = index.get(key) ?? new Set<number>();
  ports.add(port);
  index.set(key, ports);
}

function remove(index: Map<string, Set<number>>, key: string, port: number): void {
  const ports = index.get(key);
  ports?.delete(port);
  if (ports?.size === 0) index.delete(key);
}
