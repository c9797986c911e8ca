// What a connection to a machine must do, in the order in which a person would try it.
import type { Act } from "../harness/run.ts";
import { containers } from "./containers.ts";
import { daemonKilled } from "./daemon-killed.ts";
import { hostKey } from "./host-key.ts";
import { network } from "./network.ts";
import { outages } from "./outages.ts";
import { steering } from "./steering.ts";

export const acts: readonly Act[] = [
  ...outages,
  ...steering,
  ...hostKey,
  ...daemonKilled,
  ...containers,
  ...network,
];
