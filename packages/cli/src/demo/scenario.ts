// What the demo breaks, when, and how it is mended.
import type { CuttableProxy } from "./cuttable-proxy.ts";

export interface World {
  readonly proxy: CuttableProxy;
  stopRelay(): Promise<void>;
  startRelay(): Promise<void>;
}

export interface Cut {
  readonly name: string;
  /** When, in milliseconds since the round began. */
  readonly atMs: number;
  /** How long until it is mended. */
  readonly lastsMs: number;
  begin(world: World): void | Promise<void>;
  end(world: World): void | Promise<void>;
}

/**
 * One round. Times leave room for the tunnel to come back in between. The download is over before the relay is
 * stopped: the sockets of its visitors end with it, and no protocol can change that.
 */
export const CUTS: readonly Cut[] = [
  reset(1_500),
  reset(3_000),
  {
    name: "black hole of 3 s, nobody is told",
    atMs: 5_000,
    lastsMs: 3_000,
    begin: ({ proxy }) => proxy.swallow(),
    end: ({ proxy }) => proxy.heal(),
  },
  {
    name: "relay stopped, back 2 s later",
    atMs: 14_500,
    lastsMs: 2_000,
    begin: (world) => world.stopRelay(),
    end: (world) => world.startRelay(),
  },
];

function reset(atMs: number): Cut {
  const begin = ({ proxy }: World): void => proxy.reset();
  return { name: "connections reset", atMs, lastsMs: 0, begin, end: () => undefined };
}

/** How long a round takes. */
export const ROUND_MS = 20_000;
