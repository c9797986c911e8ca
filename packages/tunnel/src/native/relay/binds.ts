// Granting a bind: whose the port is, whether it can be opened, and whether the program that has it is still there.
// The rules are in `lease.ts`; here are the steps that take time, after each of which everything is judged anew.
import type { Clock } from "@holdfast/core";
import type { PublicPorts } from "../../relay/public-ports.ts";
import {
  CONTENDED,
  RELAY_FULL,
  TOO_MANY_FROM_ADDRESS,
  TOO_MANY_TARGETS,
  refusalOfLease,
  refusalOfOpening,
  type BindRefusal,
} from "./bind-refusal.ts";
import type { Claimant, Displaced, HeldLease, Lease } from "./lease.ts";
import type { LeaseTable } from "./lease-table.ts";

const OF_FULL = { owner: TOO_MANY_TARGETS, address: TOO_MANY_FROM_ADDRESS, relay: RELAY_FULL } as const;

/** Others may want the port in the same moment; after so many rounds the client is sent away for a moment. */
const MAX_ROUNDS = 5;

export type BindOutcome =
  | {
      readonly type: "bound";
      readonly lease: HeldLease;
      readonly displaced: Displaced | undefined;
      /** The owner's oldest lease had to go for it. */
      readonly dropped: Lease | undefined;
    }
  | { readonly type: "refused"; readonly refusal: BindRefusal }
  /** Its session ended meanwhile. */
  | { readonly type: "too_late" };

export interface BindsOptions {
  readonly clock: Clock;
  readonly table: LeaseTable;
  readonly ports: PublicPorts;
  /** Whether a session gives a sign of life. */
  readonly probe: (session: string) => Promise<boolean>;
}

interface Evidence {
  readonly silent?: string;
  readonly answered?: string;
}

export class Binds {
  readonly #options: BindsOptions;

  constructor(options: BindsOptions) {
    this.#options = options;
  }

  /** `wanted`: the port, or 0. `isThere`: whether the session still lives. */
  async bind(claimant: Claimant, wanted: number, isThere: () => boolean): Promise<BindOutcome> {
    const { table, ports, probe, clock } = this.#options;
    let evidence: Evidence = {};
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const port = wanted === 0 ? table.meant(claimant)?.port : wanted;
      if (port === undefined) return this.#bindAny(claimant, isThere);
      const verdict = table.judge(claimant, port, evidence);
      if (verdict.type === "refused") {
        return refused(refusalOfLease(verdict.code, table.get(port), clock.mono()));
      }
      if (verdict.type === "ask") {
        const answered = await probe(verdict.session);
        evidence = answered ? { answered: verdict.session } : { silent: verdict.session };
      } else if (ports.isOpen(port)) {
        return this.#take(claimant, verdict.lease, verdict.displaced, isThere);
      } else {
        const opening = await ports.open(port);
        if (opening.type === "refused") {
          return wanted === 0 ? this.#bindAny(claimant, isThere) : refused(refusalOfOpening(opening));
        }
      }
      if (!isThere()) return this.#tooLate(port);
    }
    return refused(CONTENDED);
  }

  async #bindAny(claimant: Claimant, isThere: () => boolean): Promise<BindOutcome> {
    const { table, ports } = this.#options;
    const opening = await ports.openAny((port) => table.get(port) !== undefined);
    if (opening.type === "refused") return refused(refusalOfOpening(opening));
    const verdict = table.judge(claimant, opening.port, {});
    if (verdict.type !== "granted") return refused(CONTENDED);
    return this.#take(claimant, verdict.lease, verdict.displaced, isThere);
  }

  #take(
    claimant: Claimant,
    lease: HeldLease,
    displaced: Displaced | undefined,
    isThere: () => boolean,
  ): BindOutcome {
    const { table } = this.#options;
    if (!isThere()) return this.#tooLate(lease.port);
    let dropped: Lease | undefined;
    if (table.get(lease.port) === undefined) {
      const room = table.makeRoom(claimant);
      if (!room.ok) {
        this.#closeUnlessLeased(lease.port);
        return refused(OF_FULL[room.full]);
      }
      dropped = room.dropped;
    }
    table.take(lease);
    return { type: "bound", lease, displaced, dropped };
  }

  #tooLate(port: number): BindOutcome {
    this.#closeUnlessLeased(port);
    return { type: "too_late" };
  }

  #closeUnlessLeased(port: number): void {
    const { table, ports } = this.#options;
    const lease = table.get(port);
    if (lease === undefined || (lease.state === "kept" && !lease.expected)) ports.close(port);
  }
}

function refused(refusal: BindRefusal): BindOutcome {
  return { type: "refused", refusal };
}
