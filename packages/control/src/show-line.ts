// Follow a line and say each change of it on the control socket, with the evidence of each outage.
import type { Line } from "@holdfast/net";
import { NO_OUTAGE, trackOutage, type Outage, type StreamFate } from "./outage.ts";
import type { Item } from "./registry.ts";

export interface ShowLineOptions {
  /** Hears the evidence as the subscribers do. */
  readonly onOutage?: (outage: Outage) => void;
  /** Asked when the line is back: what became of the streams that were open. */
  readonly streamFate?: () => StreamFate;
}

/** Resolves when the line has ended. */
export async function showLine(
  line: Pick<Line, "changes">,
  item: Pick<Item, "changed" | "outage">,
  { onOutage, streamFate }: ShowLineOptions = {},
): Promise<void> {
  let tracker = NO_OUTAGE;
  for await (const status of line.changes()) {
    const step = trackOutage(tracker, status);
    tracker = step.tracker;
    item.changed();
    if (step.outage === undefined) continue;
    const outage = { ...step.outage, ...streamFate?.() };
    item.outage(outage);
    onOutage?.(outage);
  }
}
