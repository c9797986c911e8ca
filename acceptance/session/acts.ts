// What a tunnel over a session must do, in the order in which it matters.
import type { Act } from "../harness/run.ts";
import { bulk } from "./bulk.ts";
import { ends } from "./ends.ts";
import { peers } from "./peers.ts";
import { restarts } from "./restarts.ts";
import { silence } from "./silence.ts";
import { trust } from "./trust.ts";

export const acts: readonly Act[] = [...bulk, ...silence, ...restarts, ...ends, ...peers, ...trust];
