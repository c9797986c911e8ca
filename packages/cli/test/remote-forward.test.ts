// `holdfast forward`: ports that lead somewhere, for as long as they are wanted, whatever becomes of the daemon.
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { build, hostAndPort, killDaemon, makeHome, run, start, type Running } from "./command.ts";
import { connectionsOf, does, forwardsOf, until } from "./remote-stage.ts";
import { ask, startEcho } from "./service.ts";

beforeAll(build, 120_000);
// Each test runs a dozen commands, one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

/** A forward in the foreground, and its port. */
async function forwarding(home: string, ...args: readonly string[]): Promise<[Running, number]> {
  const running = start(["forward", ...args, "--json"], { home });
  const { addresses } = await running.line("ready");
  return [running, hostAndPort(addresses[0]!).port];
}

async function here(): Promise<string> {
  const home = await makeHome();
  await does(home, "connect", "host://localhost", "--name", "here");
  return home;
}

describe("in the foreground", () => {
  test("it carries connections until Ctrl-C, and leaves nothing", async () => {
    const home = await here();
    const { port } = await startEcho();
    const [running, at] = await forwarding(home, "here", `0:127.0.0.1:${port}`);
    expect(await ask(at, "there and back")).toBe("there and back");
    expect(await forwardsOf(home)).toMatchObject([{ connection: 2, kept: false, listen: { port: at } }]);
    const { code } = await running.stop("SIGINT");
    expect(code).toBe(0);
    await until(async () => (await forwardsOf(home)).length === 0);
    await expect(ask(at, "anybody?")).rejects.toThrow("ECONNREFUSED");
  });

  test("the same process goes on at the same port when the daemon is killed", async () => {
    const home = await here();
    const { port } = await startEcho();
    const [running, at] = await forwarding(home, "here", `0:127.0.0.1:${port}`);
    const [before] = await forwardsOf(home);
    await killDaemon(home);
    await running.says(/the daemon is back/);
    await until(async () => (await forwardsOf(home))[0]?.state === "listening");
    expect(await forwardsOf(home)).toMatchObject([{ id: before!.id, listen: { port: at } }]);
    expect(await ask(at, "still there")).toBe("still there");
    expect((await running.stop("SIGINT")).code).toBe(0);
    await until(async () => (await forwardsOf(home)).length === 0);
  });

  test("it goes on over a restart, and ends with an error when the daemon stays stopped", async () => {
    const home = await here();
    const { port } = await startEcho();
    const [running, at] = await forwarding(home, "here", `0:127.0.0.1:${port}`);
    await does(home, "daemon", "restart");
    await running.says(/the daemon is back/);
    await until(async () => (await forwardsOf(home))[0]?.state === "listening");
    expect(await ask(at, "still there")).toBe("still there");
    await does(home, "daemon", "stop");
    const { code, stderr } = await running.finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: the daemon was stopped\n {2}holdfast daemon start/);
  });

  test("it ends when somebody closes it, or its connection", async () => {
    const home = await here();
    const [first] = await forwarding(home, "0:127.0.0.1:9", "--name", "one");
    const [second] = await forwarding(home, "-D", "0");
    await does(home, "forward", "close", "one");
    expect((await first.finished).code).toBe(0);
    await does(home, "disconnect", "here");
    expect((await second.finished).code).toBe(0);
    expect(await forwardsOf(home)).toEqual([]);
  });
});

test("in the background the daemon keeps it, also over a crash", async () => {
  const home = await here();
  const { port } = await startEcho();
  const { stdout } = await does(home, "forward", "here", `0:127.0.0.1:${port}`, "--background");
  const at = Number(/listening at 127\.0\.0\.1:(\d+): leads to 127\.0\.0\.1:\d+ by here/.exec(stdout)?.[1]);
  expect(await ask(at, "kept")).toBe("kept");
  await killDaemon(home);
  await does(home, "daemon", "start");
  await until(async () => (await forwardsOf(home))[0]?.state === "listening");
  expect(await ask(at, "kept still")).toBe("kept still");
  expect((await does(home, "forward", "list")).stdout).toMatch(
    new RegExp(`here +local +127\\.0\\.0\\.1:${at}`),
  );
});

test("-R listens beyond the connection, -D asks each client where it wants to go", async () => {
  const home = await here();
  const { port } = await startEcho();
  const [, far] = await forwarding(home, "here", "-R", `0:127.0.0.1:${port}`);
  expect(await ask(far, "from there")).toBe("from there");
  const [, socks] = await forwarding(home, "-D", "0", "here");
  const client = connect({ port: socks, host: "127.0.0.1" });
  onTestFinished(() => void client.destroy());
  client.write(Buffer.from([5, 1, 0]));
  expect([...((await once(client, "data")) as [Buffer])[0]]).toEqual([5, 0]);
  client.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]));
  expect([...((await once(client, "data")) as [Buffer])[0]].slice(0, 2)).toEqual([5, 0]);
  client.write("by socks");
  expect(String(((await once(client, "data")) as [Buffer])[0])).toBe("by socks");
});

test("a port that is taken, or no connection, is exit 1 and said so", async () => {
  const home = await here();
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  for (const more of [[], ["--background"]]) {
    const { code, stderr } = await run(["forward", "here", `${port}:127.0.0.1:9`, ...more], { home });
    expect(stderr).toMatch(/error: .*(in use|taken)/);
    expect(code).toBe(1);
  }
  expect(await forwardsOf(home)).toEqual([]);
  const nobody = await run(["forward", "nobody", "0:127.0.0.1:9"], { home });
  expect(nobody).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no connection "nobody"/) as unknown,
  });
  await does(home, "disconnect", "here");
  await until(async () => (await connectionsOf(home)).length === 0);
  const none = await run(["forward", "0:127.0.0.1:9"], { home });
  expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/there is no connection/) as unknown });
});
