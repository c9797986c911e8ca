// What the engine costs whoever bundles it, minified and gzipped. DESIGN section 5, cost. A figure that grows is
// a decision, not an accident: raise it here, with the reason in the commit.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bundleBytes } from "./bundle-bytes.ts";

const core = fileURLToPath(new URL("../src/index.ts", import.meta.url));
const net = fileURLToPath(new URL("../../net/src/index.ts", import.meta.url));
const KB = 1_024;

test("cost: the reconnect machine by itself is under 4 KB", async () => {
  // The class of every failure and what recognises one are the whole product's, and are counted below.
  const bytes = await bundleBytes(core, ["step", "deadline", "initialState", "statusOf"], /\/failure\.ts$/);
  expect(bytes).toBeGreaterThan(2 * KB);
  expect(bytes).toBeLessThan(4 * KB);
});

test("cost: a whole line, with settings, failures, credentials and watches, is under 8.5 KB", async () => {
  const bytes = await bundleBytes(net, ["connect"]);
  expect(bytes).toBeGreaterThan(4 * KB);
  expect(bytes).toBeLessThan(8.5 * KB);
});

test("cost: core needs nothing, and the driver nothing but core", async () => {
  await expect(bundleBytes(core, ["step"])).resolves.toBeGreaterThan(0);
  const alone = await bundleBytes(net, ["connect"], /^@holdfast\/core$/);
  expect(alone).toBeLessThan(await bundleBytes(net, ["connect"]));
});
