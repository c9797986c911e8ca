// Follow a line and say each change of it on the control socket, with the evidence of each outage.
import type { Line } from "@holdfast/net";
import { NO_OUTAGE, trackOutage, type Outage } from "./outage.ts";
import type { Item } from "./registry.ts";

/** Resolves when the line has ended. `onOutage` hears the evidence as the subscribers do. */
export async function showLine(
  line: Pick<Line, "changes">,
  item: Pick<Item, "changed" | "outage">,
  onOutage?: (outage: Outage) => void,
): Promise<void> {
  let tracker = NO_OUTAGE;
  for await (const status of line.changes()) {
    const step = trackOutage(tracker, status);
    tracker = step.tracker;
    item.changed();
    if (step.outage === undefined) continue;
    item.outage(step.outage);
    onOutage?.(step.outage);
  }
}
