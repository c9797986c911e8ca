// What people are told who ask for something in a way that cannot work.
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { PATIENCE, build, makeHome, start } from "./command.ts";

beforeAll(build, 120_000);

test.each([
  ["holdfast://127.0.0.1:7835", "did you mean bore://127.0.0.1:7835, or holdfast://127.0.0.1:7836?"],
  ["bore://127.0.0.1:7836", "did you mean holdfast://127.0.0.1:7836, or bore://127.0.0.1:7835?"],
])("the other dialect's port is named as such: %s", async (url, hint) => {
  const tunnel = start(["expose", "3000", "--relay", url], { home: await makeHome() });
  await vi.waitFor(() => expect(tunnel.stderr).toContain(hint), PATIENCE);
  await vi.waitFor(() => expect(tunnel.stderr).toMatch(/\(attempt 3\)/), PATIENCE);
  expect(tunnel.stderr.split(hint)).toHaveLength(2);
  await tunnel.stop();
});

test("a port that is taken is asked for again, and each wait is said once, with the reason", async () => {
  const home = await makeHome();
  const occupied = createServer().listen(0, "127.0.0.1");
  await once(occupied, "listening");
  onTestFinished(() => void occupied.close());
  const { port } = occupied.address() as AddressInfo;
  const relay = start(["relay", "--port", "0", "--no-bore", "--json"], { home });
  const [url] = (await relay.line("ready")).addresses as [string];
  const tunnel = start(["expose", "3000", "--relay", url, "--port", String(port)], { home });
  await vi.waitFor(() => expect(tunnel.stderr).toMatch(/\(attempt 4\)/), PATIENCE);
  const waits = tunnel.stderr.split("\n").filter((line) => line.includes("connecting in"));
  expect(waits[0]).toMatch(
    /\(attempt 2\): the relay refused port \d+: another program at the relay has the port; it is asked for again$/,
  );
  const attempts = waits.map((line) => /\(attempt \d+\)/.exec(line)?.[0]);
  expect(new Set(attempts).size).toBe(attempts.length);
  await tunnel.stop();
  await relay.stop();
});
