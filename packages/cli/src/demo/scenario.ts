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

/** One round. Times leave room for the tunnel to come back in between. */
export const CUTS: readonly Cut[] = [
  {
    name: "connections reset",
    atMs: 2_000,
    lastsMs: 0,
    begin: ({ proxy }) => proxy.reset(),
    end: () => undefined,
  },
  {
    name: "relay killed, back 2 s later",
    atMs: 5_000,
    lastsMs: 2_000,
    begin: (world) => world.stopRelay(),
    end: (world) => world.startRelay(),
  },
  {
    name: "black hole of 3 s, nobody is told",
    atMs: 11_000,
    lastsMs: 3_000,
    begin: ({ proxy }) => proxy.swallow(),
    end: ({ proxy }) => proxy.heal(),
  },
];

/** How long a round takes. */
export const ROUND_MS = 20_000;
