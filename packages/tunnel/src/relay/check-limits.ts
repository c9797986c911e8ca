// Limits are numbers above 0, whatever they limit.
import { HoldfastError } from "@holdfast/core";

/** @throws HoldfastError `bad_config` for a limit that is not a number above 0. `Infinity` takes a limit away. */
export function checkLimits<L extends object>(limits: L): L {
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (typeof value === "number" && value > 0) continue;
    throw new HoldfastError({
      code: "bad_config",
      message: `limits.${name} must be a number above 0, not ${String(value)}`,
      kind: "fatal",
      fault: "local",
    });
  }
  return limits;
}
