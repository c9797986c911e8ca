// Asking the holder of a port whether it is still there, on behalf of all who want the port. The rules are those
// of `port-conflict.ts`; here is the asking and the waiting.
import type { Clock } from "@holdfast/core";
import type { Uuid } from "../uuid.ts";
import { ExpiryQueue } from "../../relay/expiry.ts";
import { judge } from "./port-conflict.ts";
import type { RelayTunnel } from "./tunnel.ts";

/** How long the holder has to answer. Newcomers wait 3 s for theirs. */
const PROBE_MS = 2_000;
/** How long an answer that comes late still counts as a sign of life. */
const LATE_ANSWER_MS = 60_000;

interface Probe {
  readonly id: Uuid;
  readonly tunnel: RelayTunnel;
}

type Outcome = "in_use" | "free";

export class Probes {
  readonly #clock: Clock;
  readonly #makeUuid: () => Uuid;
  readonly #running = new ExpiryQueue<Probe>(PROBE_MS);
  readonly #known = new ExpiryQueue<Probe>(LATE_ANSWER_MS);
  /** At most one probe in 2 s for each tunnel, remembered for a minute. */
  readonly #byId = new Map<Uuid, Probe>();
  /** One for each connection that waits, bounded by `limits.tunnelsPerAddress`. */
  readonly #newcomers = new Map<RelayTunnel, ((outcome: Outcome) => void)[]>();

  constructor(clock: Clock, makeUuid: () => Uuid) {
    this.#clock = clock;
    this.#makeUuid = makeUuid;
  }

  /** Probes that wait for an answer. */
  get size(): number {
    return this.#running.size;
  }

  /** Who gets the port of this tunnel: it, or a newcomer? `mayWait` is whether the newcomer has the patience. */
  ask(tunnel: RelayTunnel, evidenceAt: number | undefined, mayWait: boolean): Promise<Outcome> {
    if (!mayWait) return Promise.resolve("in_use");
    const now = this.#clock.mono();
    const [holder, verdict] = judge(tunnel.holder, { type: "newcomer", evidenceAt }, now);
    tunnel.holder = holder;
    if (verdict !== "probe" && verdict !== "share") return Promise.resolve("in_use");
    return new Promise((resolve) => {
      const newcomers = this.#newcomers.get(tunnel) ?? [];
      newcomers.push(resolve);
      this.#newcomers.set(tunnel, newcomers);
      if (verdict === "probe") this.#begin(tunnel);
    });
  }

  /** Is this identifier that of a probe? Then its tunnel is alive. */
  answered(id: Uuid): boolean {
    const probe = this.#byId.get(id);
    if (probe === undefined) return false;
    this.#running.delete(probe);
    this.#known.delete(probe);
    this.#byId.delete(id);
    this.#conclude(probe.tunnel, "answered");
    return true;
  }

  /** The client of this tunnel took a visitor. */
  seen(tunnel: RelayTunnel): void {
    this.#conclude(tunnel, "seen");
  }

  /** The tunnel ended by itself, so whoever waits for the verdict may have its port. */
  ended(tunnel: RelayTunnel): void {
    this.#tell(tunnel, "free");
  }

  tick(): void {
    const now = this.#clock.mono();
    for (const { tunnel } of this.#running.expire(now)) this.#conclude(tunnel, "failed");
    for (const { id } of this.#known.expire(now)) this.#byId.delete(id);
  }

  /** Let nobody wait. */
  clear(): void {
    for (const tunnel of this.#newcomers.keys()) this.#tell(tunnel, "in_use");
    this.#running.clear();
    this.#known.clear();
    this.#byId.clear();
  }

  #begin(tunnel: RelayTunnel): void {
    const now = this.#clock.mono();
    const probe: Probe = { id: this.#makeUuid(), tunnel };
    this.#byId.set(probe.id, probe);
    this.#running.add(probe, now);
    this.#known.add(probe, now);
    tunnel.offer(probe.id);
  }

  #conclude(tunnel: RelayTunnel, type: "answered" | "seen" | "failed"): void {
    const [holder, verdict] = judge(tunnel.holder, { type }, this.#clock.mono());
    tunnel.holder = holder;
    if (verdict === "in_use" || verdict === "free") this.#tell(tunnel, verdict);
  }

  #tell(tunnel: RelayTunnel, outcome: Outcome): void {
    const newcomers = this.#newcomers.get(tunnel) ?? [];
    this.#newcomers.delete(tunnel);
    for (const resolve of newcomers) resolve(outcome);
  }
}
