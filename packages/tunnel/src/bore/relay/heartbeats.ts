// Heartbeats for all tunnels from one timer: the tunnels are dealt into as many hands as there are ticks in half
// a second, and each tick serves one hand, so that ten thousand of them do not all write in the same moment.
import type { Instant } from "@holdfast/core";
import { TICK_MS } from "../../relay/ticker.ts";
import type { RelayTunnel } from "./tunnel.ts";

/** Clients hear at least this often from the relay, in milliseconds. */
const HEARTBEAT_MS = 500;
const HANDS = HEARTBEAT_MS / TICK_MS;
/** Every so many rounds the relay looks at how many bytes came from a tunnel's client. */
const SAMPLE_ROUNDS = 5;

export class HeartbeatRound {
  readonly #hands: readonly Set<RelayTunnel>[] = Array.from({ length: HANDS }, () => new Set());
  #dealt = 0;
  #ticks = 0;

  get size(): number {
    return this.#hands.reduce((sum, hand) => sum + hand.size, 0);
  }

  *tunnels(): Generator<RelayTunnel> {
    for (const hand of this.#hands) yield* hand;
  }

  add(tunnel: RelayTunnel): void {
    this.#hands[this.#dealt % HANDS]?.add(tunnel);
    this.#dealt += 1;
  }

  delete(tunnel: RelayTunnel): void {
    for (const hand of this.#hands) hand.delete(tunnel);
  }

  tick(now: Instant): void {
    const sample = Math.floor(this.#ticks / HANDS) % SAMPLE_ROUNDS === 0;
    for (const tunnel of this.#hands[this.#ticks % HANDS] ?? []) {
      tunnel.beat();
      if (sample) tunnel.dataAt(now);
    }
    this.#ticks += 1;
  }
}
