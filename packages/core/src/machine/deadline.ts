// The one instant at which the machine has to be looked at again, and so the one timer that a line needs.
import type { Config } from "../config.ts";
import type { Instant } from "../ports.ts";
import { deadAt, pingDue, stuckAt } from "./liveness.ts";
import type { MachineState } from "./state.ts";

/** When `tick` is due at the latest; `undefined`: never. */
export function deadline(state: MachineState, config: Config): Instant | undefined {
  const at = earliest(state, config);
  return at === Infinity ? undefined : at;
}

function earliest(state: MachineState, config: Config): Instant {
  switch (state.at) {
    case "waiting": {
      const { lostAt, grace } = state.memory;
      const spentAt = lostAt === undefined || grace ? Infinity : lostAt + config.giveUpAfterMs;
      return Math.min(state.retryAt, spentAt);
    }
    case "dialing":
      return state.expiresAt;
    case "up": {
      const stableAt = state.stable ? Infinity : state.memory.since + config.stableAfterMs;
      return Math.min(stableAt, deadAt(state, config), pingDue(state, config), stuckAt(state, config));
    }
    case "idle":
    case "auth_required":
    case "ended":
      return Infinity;
  }
}
