import { describe, expect, test } from "vitest";
import { looksLikeSpec, parseForwardSpec } from "./forward-spec.ts";

const at = (host: string, port: number): { host: string; port: number } => ({ host, port });

describe("what is forwarded where", () => {
  test.each([
    ["8080:db:5432", at("127.0.0.1", 8080), at("db", 5432)],
    ["0:localhost:80", at("127.0.0.1", 0), at("localhost", 80)],
    ["192.168.1.2:8080:db:5432", at("192.168.1.2", 8080), at("db", 5432)],
    ["[::1]:8080:[fe80::1]:80", at("::1", 8080), at("fe80::1", 80)],
    ["*:8080:db:80", at("0.0.0.0", 8080), at("db", 80)],
    [":8080:db:80", at("0.0.0.0", 8080), at("db", 80)],
  ])("%s", (text, listen, target) => {
    expect(parseForwardSpec(text, "local")).toEqual({ direction: "local", listen, target });
    expect(parseForwardSpec(text, "reverse")).toEqual({ direction: "reverse", listen, target });
    expect(looksLikeSpec(text, "local")).toBe(true);
  });

  test.each([
    ["1080", at("127.0.0.1", 1080)],
    ["[::1]:1080", at("::1", 1080)],
    ["*:1080", at("0.0.0.0", 1080)],
  ])("%s for SOCKS5", (text, listen) => {
    expect(parseForwardSpec(text, "dynamic")).toEqual({ direction: "dynamic", listen, target: undefined });
    expect(looksLikeSpec(text, "dynamic")).toBe(true);
  });

  test.each([
    ["8080", /too few parts/],
    ["8080:80", /too few parts/],
    ["a:b:c:d:e", /IPv6 address belongs into brackets/],
    ["::1:8080:db:80", /IPv6 address belongs into brackets/],
    ["[::1:8080:db:80", /IPv6 address belongs into brackets/],
    ["http:db:80", /"http" is no port to listen on/],
    ["70000:db:80", /"70000" is no port to listen on/],
    ["8080:db:x", /"x" is no port to lead to/],
    ["8080:db:0", /no connection leads to port 0/],
    ["8080::80", /does not say which host/],
    ["", /too few parts|no port/],
  ])("%j is refused", (text, says) => {
    expect(() => parseForwardSpec(text, "local")).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => parseForwardSpec(text, "local")).toThrow(says);
  });

  test.each(["8080:db:80", "x", ""])("%j is no SOCKS5 server", (text) => {
    expect(() => parseForwardSpec(text, "dynamic")).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test.each(["server", "me@server", "ssh://me@server:22", "7"])("%s is no spec but a connection", (text) => {
    expect(looksLikeSpec(text, "local")).toBe(false);
  });
});
