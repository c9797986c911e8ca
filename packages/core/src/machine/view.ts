// What the machine's state looks like from outside. Times are still the engine's own: the driver turns them into
// wall-clock times.
import type { Status } from "../status.ts";
import type { MachineState } from "./state.ts";

/** Each status is written out: it is asked for often, and spreading one object into another takes many times as long. */
export function statusOf(state: MachineState): Status {
  const { memory } = state;
  const { epoch, attempt, failures, since, lastHeard, failure } = memory;
  const away = epoch === 0 ? "connecting" : "reconnecting";
  switch (state.at) {
    case "idle":
    case "waiting": {
      const retryAt = state.at === "idle" ? since : state.retryAt;
      return {
        state: away,
        phase: "waiting",
        delayMs: retryAt - since,
        retryAt,
        epoch,
        attempt: state.at === "idle" ? 1 : attempt + 1,
        failures,
        since,
        lastHeard,
        failure,
        draining: false,
      };
    }
    case "dialing":
      return {
        state: away,
        phase: "dialing",
        epoch,
        attempt,
        failures,
        since,
        lastHeard,
        failure,
        draining: false,
      };
    case "up": {
      const draining = state.draining !== undefined;
      return { state: "connected", epoch, attempt: 0, failures, since, lastHeard, failure, draining };
    }
    case "auth_required": {
      const { prompt } = state;
      return {
        state: "auth_required",
        prompt,
        epoch,
        attempt,
        failures,
        since,
        lastHeard,
        failure,
        draining: false,
      };
    }
    case "ended": {
      const { reason } = state;
      return {
        state: "disconnected",
        reason,
        epoch,
        attempt: 0,
        failures,
        since,
        lastHeard,
        failure,
        draining: false,
      };
    }
  }
}
