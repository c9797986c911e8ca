// How a command says that it is about to end, and who may end what.
import { beforeAll, expect, test } from "vitest";
import { build, hostAndPort, makeHome, run, start } from "./command.ts";
import { startEcho, visit } from "./service.ts";

beforeAll(build, 120_000);

test("disconnect by port is told of in the process that ends, with what is cut when time is up", async () => {
  const home = await makeHome();
  const { port } = await startEcho();
  const args = ["expose", String(port), "--name", "web", "--drain-timeout", "300ms", "--json"];
  const tunnel = start(args, { home });
  await visit(hostAndPort((await tunnel.line("ready")).addresses[0]!).port);
  const shown = await run(["status", String(port)], { home });
  expect(shown.stdout).toMatch(/^web \(tunnel\)/);
  expect((await run(["disconnect", String(port)], { home })).code).toBe(0);
  const { code, stderr } = await tunnel.finished;
  expect(stderr).toMatch(/^disconnect: draining 1 open stream, at most 300 ms$/m);
  expect(stderr).toMatch(/^warning: 1 open stream cut, not done after 300 ms$/m);
  expect(code).toBe(0);
});

test("the draining line says how to stop at once", async () => {
  const home = await makeHome();
  const relay = start(["relay", "--port", "0", "--bore-port", "0", "--json"], { home });
  const tunnel = start(["expose", "1", "--json"], { home });
  await Promise.all([relay.line("ready"), tunnel.line("ready")]);
  expect((await tunnel.stop("SIGINT")).stderr).toMatch(/SIGINT: draining .*; Ctrl-C again stops now/);
  expect((await relay.stop("SIGTERM")).stderr).toMatch(/SIGTERM: draining .*; Ctrl-C stops now/);
});

test("a relay within a tunnel's process is not ended by itself", async () => {
  const home = await makeHome();
  const tunnel = start(["expose", "1", "--json"], { home });
  await tunnel.line("ready");
  expect(await run(["disconnect", "relay"], { home })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`relay belongs to the expose process ${tunnel.pid}, and ends with it`),
  });
  expect((await tunnel.stop()).code).toBe(0);
});
