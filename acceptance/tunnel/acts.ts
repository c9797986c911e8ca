// What a tunnel must do, in the order in which a person would try it.
import type { Act } from "../harness/run.ts";
import { control } from "./control.ts";
import { network } from "./network.ts";
import { refusals } from "./refusals.ts";
import { returns } from "./returns.ts";
import { signals } from "./signals.ts";
import { silences } from "./silences.ts";

export const acts: readonly Act[] = [
  ...refusals,
  ...returns,
  ...silences,
  ...network,
  ...signals,
  ...control,
];
