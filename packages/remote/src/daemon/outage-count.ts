// The outages of a connection, from its successive statuses. A link that was replaced by another while it was up is none.
import { NO_OUTAGE, trackOutage, type Outage } from "@holdfast/control";
import type { ConnectionStatus } from "../connection/connection.ts";
import { asLineStatus } from "./shown-connection.ts";

export class OutageCount {
  #tracker = NO_OUTAGE;
  #before: Pick<ConnectionStatus, "state" | "since"> | undefined = undefined;

  /** The outage that is over with this status, if one is. */
  endedBy(status: ConnectionStatus): Outage | undefined {
    const { tracker, outage } = trackOutage(this.#tracker, asLineStatus(status));
    const before = this.#before;
    this.#tracker = tracker;
    this.#before = status;
    const swapped = before?.state === "connected" && before.since === status.since;
    return swapped ? undefined : outage;
  }
}
