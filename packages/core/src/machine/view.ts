// What the machine's state looks like from outside. Times are still the engine's own: the driver turns them into
// wall-clock times.
import type { Status } from "../status.ts";
import type { MachineState } from "./state.ts";

export function statusOf(state: MachineState): Status {
  const { memory } = state;
  const { epoch, failures, since, lastHeard, failure } = memory;
  const draining = state.at === "up" && state.draining !== undefined;
  const common = { epoch, attempt: 0, failures, since, lastHeard, failure, draining };
  const away = epoch === 0 ? "connecting" : "reconnecting";
  switch (state.at) {
    case "idle":
      return { ...common, state: away, phase: "waiting", delayMs: 0, retryAt: since, attempt: 1 };
    case "waiting": {
      const delayMs = state.retryAt - since;
      return {
        ...common,
        state: away,
        phase: "waiting",
        delayMs,
        retryAt: state.retryAt,
        attempt: memory.attempt + 1,
      };
    }
    case "dialing":
      return { ...common, state: away, phase: "dialing", attempt: memory.attempt };
    case "up":
      return { ...common, state: "connected" };
    case "auth_required":
      return { ...common, state: "auth_required", prompt: state.prompt, attempt: memory.attempt };
    case "ended":
      return { ...common, state: "disconnected", reason: state.reason };
  }
}
