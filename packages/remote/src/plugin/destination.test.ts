import { describe, expect, it } from "vitest";
import { formatDestination, parseDestination } from "./destination.ts";

const NOTHING = { user: undefined, port: undefined, path: "" };

describe("a destination", () => {
  it.each([
    ["ssh://server", { ...NOTHING, scheme: "ssh", host: "server" }],
    ["ssh://me@server:2222", { ...NOTHING, scheme: "ssh", user: "me", host: "server", port: 2222 }],
    ["holdfast://[fe80::1%eth0]:7837", { ...NOTHING, scheme: "holdfast", host: "fe80::1%eth0", port: 7837 }],
    ["docker://name", { ...NOTHING, scheme: "docker", host: "name" }],
    ["docker+run://ubuntu:24.04", { ...NOTHING, scheme: "docker+run", host: "ubuntu:24.04" }],
    ["docker+run://ghcr.io/a/b", { ...NOTHING, scheme: "docker+run", host: "ghcr.io", path: "a/b" }],
  ])("%s is understood, and written as it was", (text, expected) => {
    expect(parseDestination(text)).toEqual(expected);
    expect(formatDestination(parseDestination(text))).toBe(text);
  });

  it.each([
    "server",
    "ssh://",
    "ssh://-oProxyCommand=x",
    "ssh://-l@server",
    "ssh://me@-server",
    "ssh://a b",
    "ssh://a;b",
    "ssh://a$(b)",
    "ssh://a\nb",
    "ssh://me@server:0",
    "ssh://me@server:65536",
    "ssh://fe80::1",
    "ssh://[x]",
    "SSH://server",
    "docker://name/a\u0007",
    `ssh://${"a".repeat(2_000)}`,
  ])("%j is refused", (text) => {
    expect(() => parseDestination(text)).toThrow(
      expect.objectContaining({ code: "bad_destination", kind: "fatal" }),
    );
  });
});
