// What the machine's state looks like from outside. Times are still the engine's own: the driver turns them into
// wall-clock times.
import type { Status } from "../status.ts";
import type { MachineState } from "./state.ts";

/** Each status is written out: it is asked for often, and spreading one object into another takes many times as long. */
export function statusOf(state: MachineState): Status {
  const { at, memory } = state;
  const { epoch, failures, since, lastHeard, failure, attempt } = memory;
  const draining = at === "up" && state.draining !== undefined;
  const away = epoch === 0 ? "connecting" : "reconnecting";
  switch (at) {
    case "idle":
    case "waiting": {
      const retryAt = at === "idle" ? since : state.retryAt;
      return {
        state: away,
        phase: "waiting",
        delayMs: retryAt - since,
        retryAt,
        attempt: attempt + 1,
        epoch,
        failures,
        since,
        lastHeard,
        failure,
        draining,
      };
    }
    case "dialing":
      return {
        state: away,
        phase: "dialing",
        attempt,
        epoch,
        failures,
        since,
        lastHeard,
        failure,
        draining,
      };
    case "up":
      return { state: "connected", attempt: 0, epoch, failures, since, lastHeard, failure, draining };
    case "auth_required":
      return {
        state: at,
        prompt: state.prompt,
        attempt,
        epoch,
        failures,
        since,
        lastHeard,
        failure,
        draining,
      };
    case "ended":
      return {
        state: "disconnected",
        reason: state.reason,
        attempt: 0,
        epoch,
        failures,
        since,
        lastHeard,
        failure,
        draining,
      };
  }
}
