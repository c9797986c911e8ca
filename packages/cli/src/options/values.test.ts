import { describe, expect, test } from "vitest";
import {
  parseCount,
  parseDuration,
  parsePortList,
  parsePortRange,
  parseReconnectDelay,
  parseRelayUrl,
  relayUrl,
  parseTarget,
} from "./values.ts";

describe("durations have a unit", () => {
  test.for([
    ["500ms", 500],
    ["8s", 8_000],
    ["2m", 120_000],
    ["1.5h", 5_400_000],
    ["0s", 0],
  ] as const)("%s is %i ms", ([text, ms]) => expect(parseDuration(text)).toBe(ms));

  test.for(["", "5", "5 s", "-1s", "1e3s", "NaN", "Infinitys", "s", "1S", "597h", "٣s"])(
    "%s is none",
    (text) => expect(() => parseDuration(text)).toThrow(RangeError),
  );

  test("the longest wait between dials is at least a second", () => {
    expect(parseReconnectDelay("1s")).toBe(1_000);
    expect(() => parseReconnectDelay("999ms")).toThrow("at least 1s");
  });
});

test("targets are ports, host:port with IPv6 in brackets, or unix:/path", () => {
  expect(parseTarget("3000")).toEqual({ host: "localhost", port: 3_000 });
  expect(parseTarget("db.local:5432")).toEqual({ host: "db.local", port: 5_432 });
  expect(parseTarget("[::1]:80")).toEqual({ host: "::1", port: 80 });
  expect(parseTarget("unix:/run/app.sock")).toEqual({ path: "/run/app.sock" });
  for (const text of [
    "",
    "0",
    "65536",
    "host",
    "host:",
    ":80",
    "::1:80",
    "unix:",
    "http://h:80",
    "h:8.0",
    "a b:80",
  ]) {
    expect(() => parseTarget(text), text).toThrow(RangeError);
  }
});

test("relays are URLs of four schemes, and what is shown can be read back", () => {
  expect(parseRelayUrl("bore://relay.example.com")).toMatchObject({ host: "relay.example.com", port: 7_835 });
  expect(parseRelayUrl("BORE://[::1]:9/")).toMatchObject({ host: "::1", port: 9, href: "bore://[::1]:9" });
  expect(parseRelayUrl("holdfast://h")).toMatchObject({
    scheme: "holdfast",
    port: 7_836,
    href: "holdfast://h:7836",
  });
  expect(parseRelayUrl("wss://h/a/b")).toMatchObject({ port: 443, path: "/a/b", href: "wss://h:443/a/b" });
  expect(parseRelayUrl("ws://h:1/")).toMatchObject({ port: 1, path: "/", href: "ws://h:1" });
  for (const scheme of ["holdfast", "wss", "ws", "bore"] as const) {
    const url = relayUrl(scheme, "::1", 7);
    expect(parseRelayUrl(url.href)).toEqual(url);
  }
  for (const text of [
    "relay.example.com",
    "bore://",
    "bore://h:0",
    "bore://h/x",
    "bore://u:p@h",
    "https://h",
    "holdfast://h/x",
    "bore://h?x",
  ]) {
    expect(() => parseRelayUrl(text), text).toThrow(RangeError);
  }
});

test("ports come as lists and ranges", () => {
  expect(parsePortList("8000,0, 8002")).toEqual([8_000, 0, 8_002]);
  expect(parsePortRange("1024-65535")).toEqual([1_024, 65_535]);
  expect(parsePortRange("8000")).toEqual([8_000, 8_000]);
  for (const text of ["", "0-1", "2-1", "1-2-3", "a-b", "1-"])
    expect(() => parsePortRange(text), text).toThrow(RangeError);
  for (const text of ["NaN", "1.5", "-1", "0x10", ""])
    expect(() => parseCount(text), text).toThrow(RangeError);
});
