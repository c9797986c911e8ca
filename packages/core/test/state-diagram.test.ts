// docs/states.md is drawn from the code, and this fails when it is not what the code does.
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawStates, transitions } from "./state-diagram.ts";

const all = transitions();
const page = new URL("../../../docs/states.md", import.meta.url);

test("docs/states.md shows what the machine does (UPDATE=1 rewrites it)", () => {
  const drawn = drawStates(all);
  if (process.env["UPDATE"] === "1") writeFileSync(page, drawn);
  expect(readFileSync(page, "utf8")).toBe(drawn);
});

test("every kind of state is reached, and the end is the end", () => {
  expect(new Set(all.map(({ to }) => to))).toEqual(
    new Set(["waiting", "dialing", "up", "auth_required", "ended"]),
  );
  expect(all.filter(({ from }) => from === "ended")).toEqual([]);
  for (const from of ["idle", "waiting", "dialing", "up", "auth_required"] as const) {
    expect(all, `close ends ${from}`).toContainEqual(
      expect.objectContaining({ from, cue: "close", to: "ended" }),
    );
  }
});

test("whatever is being made or is up is given up when it is left, and only dials begin links", () => {
  for (const { from, to, cue, actions } of all) {
    if (from === "dialing" && to !== "up" && /^(close|wake|tick)/.test(cue)) {
      if (to !== "dialing" || actions !== "") expect(actions).toMatch(/^cancel_dial/);
    }
    if (from === "up" && to !== "up" && !cue.startsWith("lost")) expect(actions).toMatch(/^hang_up/);
    if (to === "up") expect(from === "dialing" || from === "up").toBe(true);
    if (to === "dialing" && from !== "dialing") expect(actions).toBe("dial");
  }
});
