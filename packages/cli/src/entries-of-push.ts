// The entries that a push shows: all of a snapshot, or the one whose state changed.
import type { Entry, Push } from "@holdfast/control";

export function entriesOfPush(push: Push): readonly Entry[] {
  if (push.type === "snapshot") return push.entries;
  if (push.type !== "event") return [];
  const { event } = push;
  switch (event.type) {
    case "tunnel_state":
      return [{ ...event, type: "tunnel" }];
    case "relay_state":
      return [{ ...event, type: "relay" }];
    case "connection_state":
      return [{ ...event, type: "connection" }];
    case "forward_state":
      return [{ ...event, type: "forward" }];
    case "daemon_state":
      return [{ ...event, type: "daemon" }];
    case "server_state":
      return [{ ...event, type: "server" }];
    default:
      return [];
  }
}

/** Whether this push says that the entry with this id is gone, or what was missed was its end. */
export function saysGone(push: Push, id: number): boolean {
  if (push.type === "snapshot") return !push.entries.some((entry) => entry.id === id);
  return removedBy(push) === id;
}

/** The id of what is gone by this push. */
export function removedBy(push: Push): number | undefined {
  return push.type === "event" && push.event.type.endsWith("_removed") ? push.event.id : undefined;
}
