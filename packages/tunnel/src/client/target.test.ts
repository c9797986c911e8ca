import { expect, test } from "vitest";
import { parseTarget } from "./target.ts";

test.each([
  ["3000", { host: "localhost", port: 3_000 }],
  ["192.168.0.7:3000", { host: "192.168.0.7", port: 3_000 }],
  ["app.internal:80", { host: "app.internal", port: 80 }],
  ["[::1]:3000", { host: "::1", port: 3_000 }],
  ["./app.sock", { path: "./app.sock" }],
  ["/run/app.sock", { path: "/run/app.sock" }],
  ["unix:app.sock", { path: "app.sock" }],
])("%s", (text, endpoint) => {
  expect(parseTarget(text)).toEqual(endpoint);
});

test.each(["", "0", "65536", "host:", ":80", "host:0", "host:99999", "::1:80", "a b", "localhost"])(
  "%j is refused",
  (text) => expect(() => parseTarget(text)).toThrow(/bad_target/),
);
