// Names to addresses. `getaddrinfo` has no time limit, cannot be cancelled and shares four threads with file
// and crypto work, so: one lookup at a time per host, and whoever waits too long gets the addresses that were
// good the last time, with what the lookup may still bring.
import { lookup as systemLookup } from "node:dns/promises";
import { HoldfastError } from "@holdfast/core";
import type { Clock } from "@holdfast/core";
import { systemClock } from "../host.ts";
import { printable } from "./endpoint.ts";

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface Resolution {
  /** To be tried now. Never empty. */
  readonly addresses: readonly Address[];
  /** What a lookup that is late brings in the end: nothing if it fails. */
  readonly late: Promise<readonly Address[]> | undefined;
}

export interface ResolverOptions {
  /** Default: the system's. */
  readonly lookup?: (host: string) => Promise<readonly Address[]>;
  readonly clock?: Clock;
  /** After this long the last good addresses are used, in milliseconds. Default 2,000. */
  readonly lateAfterMs?: number;
  /** For how many hosts the last good addresses are kept. Default 1,024. */
  readonly maxHosts?: number;
}

export class Resolver {
  readonly #lookup: (host: string) => Promise<readonly Address[]>;
  readonly #clock: Clock;
  readonly #lateAfterMs: number;
  readonly #maxHosts: number;
  /** One for each host that is being dialled. */
  readonly #inFlight = new Map<string, Promise<readonly Address[]>>();
  /** At most `maxHosts`. */
  readonly #lastGood = new Map<string, readonly Address[]>();

  constructor(options: ResolverOptions = {}) {
    this.#lookup = options.lookup ?? ((host) => systemLookup(host, { all: true, verbatim: true }));
    this.#clock = options.clock ?? systemClock;
    this.#lateAfterMs = options.lateAfterMs ?? 2_000;
    this.#maxHosts = options.maxHosts ?? 1_024;
  }

  /**
   * The host's addresses, looked up afresh. Waits without limit for a host that never had any: the caller has a
   * deadline.
   * @throws HoldfastError `name_not_resolved` if the lookup fails and no addresses were good before.
   */
  async resolve(host: string): Promise<Resolution> {
    const joined = this.#inFlight.get(host);
    const lookup = joined === undefined ? this.#start(host) : this.#joinOrRepeat(host, joined);
    const known = this.#lastGood.get(host);
    if (known === undefined) return { addresses: await lookup, late: undefined };
    const late = lookup.catch(() => []);
    const first = await this.#withinLimit(late);
    if (first === undefined) return { addresses: known, late };
    return { addresses: first.length > 0 ? first : known, late: undefined };
  }

  /** A lookup that began before this dial may have failed for a reason that is over. */
  async #joinOrRepeat(host: string, joined: Promise<readonly Address[]>): Promise<readonly Address[]> {
    try {
      return await joined;
    } catch {
      return this.#inFlight.get(host) ?? this.#start(host);
    }
  }

  #start(host: string): Promise<readonly Address[]> {
    const lookup = this.#run(host).finally(() => this.#inFlight.delete(host));
    // Nobody may be left waiting for it by the time that it fails.
    lookup.catch(() => undefined);
    this.#inFlight.set(host, lookup);
    return lookup;
  }

  async #run(host: string): Promise<readonly Address[]> {
    let addresses: readonly Address[] = [];
    let cause: unknown;
    try {
      addresses = await this.#lookup(host);
    } catch (error) {
      cause = error;
    }
    if (addresses.length === 0) {
      const message = `no address was found for ${printable(host)}`;
      const hint = "check the name, and that this machine is online";
      throw new HoldfastError({ code: "name_not_resolved", message, hint, cause });
    }
    this.#remember(host, addresses);
    return addresses;
  }

  #remember(host: string, addresses: readonly Address[]): void {
    this.#lastGood.delete(host);
    this.#lastGood.set(host, addresses);
    for (const oldest of this.#lastGood.keys()) {
      if (this.#lastGood.size <= this.#maxHosts) break;
      this.#lastGood.delete(oldest);
    }
  }

  /** What the promise gives within the limit, or `undefined`. */
  #withinLimit<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = this.#clock.timer(() => resolve(undefined));
      timer.set(this.#lateAfterMs);
      void promise.then((value) => {
        timer.clear();
        resolve(value);
      });
    });
  }
}

/** One for the process, so that all dials share lookups and last good addresses. */
export const systemResolver: Resolver = new Resolver();
