// Exit codes as a shell would say them.
import { expect, test } from "vitest";
import { exitStatus } from "./exit-status.ts";

test.each([
  [{ code: 0 }, 0],
  [{ code: 7 }, 7],
  [{ code: 255 }, 255],
  [{ code: 0xc000_0005 }, 255],
  [{ signal: "TERM" }, 143],
  [{ signal: "KILL" }, 137],
  [{ signal: "INT" }, 130],
  [{ signal: "NOSUCH" }, 255],
])("%j is %i", (end, status) => expect(exitStatus(end)).toBe(status));
