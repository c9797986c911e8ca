import { expect, test } from "vitest";
import { resolveLimits } from "./limits.ts";

test.each([0, -1, Number.NaN, "9" as unknown as number])("a limit of %s is refused", (value) => {
  expect(() => resolveLimits({ tunnels: value })).toThrow(/bad_config: limits.tunnels/);
});
