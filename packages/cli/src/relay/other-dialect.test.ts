import { expect, test } from "vitest";
import { parseRelayUrl } from "../options/values.ts";
import { otherDialect } from "./other-dialect.ts";

test.each([
  ["holdfast://relay.example:7835", "bore://relay.example:7835"],
  ["wss://relay.example:7835/x", "bore://relay.example:7835"],
  ["bore://[::1]:7836", "holdfast://[::1]:7836"],
])("%s is probably meant to be %s", (url, meant) => {
  expect(otherDialect(parseRelayUrl(url))?.hint).toContain(meant);
});

test.each(["holdfast://a", "bore://a", "holdfast://a:9000", "bore://a:9000", "wss://a"])(
  "%s is as it should be",
  (url) => expect(otherDialect(parseRelayUrl(url))).toBeUndefined(),
);
