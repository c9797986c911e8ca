// The plugin: where it leads, what it refuses, and that its machine outlives links.
import { tcp } from "@holdfast/net/node";
import { recordAttempt } from "@holdfast/net/compliance";
import { startFaultyProxy } from "@holdfast/net/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { holdfastPlugin, SERVE_PORT, type HoldfastMachine } from "../../src/native/index.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import type { Backend, PluginContext } from "../../src/plugin/plugin.ts";
import { readAll, startServer, until } from "./stage.ts";

const CONTEXT: PluginContext = {
  connectionId: "test",
  environment: {},
  options: {},
  memory: new Map(),
  wake: () => undefined,
  warn: () => undefined,
};

async function backendFor(text: string, options: Readonly<Record<string, string>> = {}): Promise<Backend> {
  const plugin = holdfastPlugin({
    access: (server) => ({ dial: tcp(server) }),
    policy: { backoff: { initialMs: 100, maxMs: 100 } },
  });
  const backend = await plugin.open(parseDestination(text), { ...CONTEXT, options });
  onTestFinished(() => backend.dispose());
  return backend;
}

describe("the plugin holdfast", () => {
  it("knows its port, and refuses users, options and long names", async () => {
    let asked: unknown = undefined;
    const plugin = holdfastPlugin({
      access(server) {
        asked = server;
        return { dial: tcp(server) };
      },
    });
    await plugin.open(parseDestination("holdfast://server"), CONTEXT);
    expect(asked).toEqual({ host: "server", port: SERVE_PORT });
    await expect(backendFor("holdfast://me@server")).rejects.toMatchObject({
      code: "bad_destination",
      kind: "fatal",
    });
    await expect(backendFor("holdfast://server", { x: "y" })).rejects.toMatchObject({ code: "bad_option" });
    await expect(backendFor(`holdfast://server/${"n".repeat(201)}`)).rejects.toMatchObject({
      code: "bad_destination",
    });
  });

  it("gives a machine that outlives links, says so by its line, and reports no loss", async () => {
    const server = await startServer();
    const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: server.port } });
    onTestFinished(() => server.close());
    onTestFinished(() => proxy.close());
    const port = "port" in proxy.endpoint ? proxy.endpoint.port : 0;
    const backend = await backendFor(`holdfast://127.0.0.1:${port}`);
    const attempt = recordAttempt();
    const machine = (await backend.dial(attempt, UNATTENDED)) as HoldfastMachine;
    const process = await machine.start({ command: ["sh", "-c", "read x; echo $x; exit 5"] });
    process.stderr.resume();
    const text = readAll(process.stdout);
    await proxy.refuse();
    proxy.cut();
    await until(() => machine.line.status.state === "reconnecting");
    process.stdin.write("over the gap\n");
    await proxy.heal();
    expect(await process.ended).toEqual({ code: 5 });
    expect((await text).toString()).toBe("over the gap\n");
    expect(machine.line.status.epoch).toBeGreaterThanOrEqual(2);
    expect(attempt.losses).toEqual([]);
    await backend.dispose();
    expect(machine.line.status.state).toBe("disconnected");
    expect(attempt.losses).toEqual([]);
    await until(() => server.host.size === 0);
  });

  it("fails a dial at once where nobody listens: the line above decides when to try again", async () => {
    const server = await startServer();
    await server.close();
    const backend = await backendFor(`holdfast://127.0.0.1:${server.port}`);
    await expect(backend.dial(recordAttempt(), UNATTENDED)).rejects.toMatchObject({
      code: "connection_refused",
    });
  });
});
