import type { AcceptedSession } from "@holdfast/net/session";
import { describe, expect, test } from "vitest";
import { RelayClient } from "./client.ts";

function fromOf(remoteAddress: string): string | undefined {
  const hello = { ownerId: new Uint8Array(16), instanceId: new Uint8Array(16) };
  const session = { id: "s", hello, remoteAddress } as unknown as AcceptedSession;
  return new RelayClient(session, 1, () => undefined).claimant(1, "web", false).from;
}

describe("a lease counts for", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
  ])("where its client is: %s", (address, counted) => {
    expect(fromOf(address)).toBe(counted);
  });

  test.each(["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "unix"])(
    "nobody on this machine: %s",
    (address) => {
      expect(fromOf(address)).toBeUndefined();
    },
  );
});
