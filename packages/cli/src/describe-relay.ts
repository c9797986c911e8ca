// What a relay tells, in words.
import type { RelayEvent } from "@holdfast/tunnel";
import { escapeText } from "./terminal/escape.ts";

export function describeRelayEvent(event: RelayEvent): string {
  switch (event.type) {
    case "tunnel_opened":
      return `port ${event.port}: opened for ${event.remoteAddress}`;
    case "tunnel_closed":
      return `port ${event.port}: closed (${event.reason}), it was ${event.remoteAddress}`;
    case "refused":
      return `${event.remoteAddress}: refused (${escapeText(event.reason)})`;
    case "visitor_reset":
      return `port ${event.port}: a visitor was reset (${event.reason})`;
    case "warning":
      return escapeText(event.error.text);
  }
}
