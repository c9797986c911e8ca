// What a relay tells, in words, whichever dialect it is about.
import type { RelayEvent, TunnelRelayEvent } from "@holdfast/tunnel";
import { escapeText } from "../terminal/escape.ts";

export function describeRelayEvent(event: RelayEvent | TunnelRelayEvent): string {
  switch (event.type) {
    case "tunnel_opened":
      return `port ${event.port}: opened for ${event.remoteAddress}`;
    case "tunnel_closed":
      return `port ${event.port}: closed (${event.reason}), it was ${event.remoteAddress}`;
    case "tunnel_away":
      return `port ${event.port}: ${event.remoteAddress} is away, its visitors wait`;
    case "tunnel_back":
      return `port ${event.port}: ${event.remoteAddress} is back`;
    case "refused":
      return `${event.remoteAddress}: refused (${escapeText(event.reason)})`;
    case "visitor_reset":
      return `port ${event.port}: a visitor was reset (${event.reason})`;
    case "warning":
      return escapeText(event.error.text);
  }
}
