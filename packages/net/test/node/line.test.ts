import { afterEach, describe, expect, it } from "vitest";
import { connect } from "@holdfast/net";
import type { Line } from "@holdfast/net";
import { tcp } from "@holdfast/net/node";
import type { SocketLink } from "@holdfast/net/node";
import { startFaultyProxy } from "@holdfast/net/testing";
import { serve, until } from "./sockets.ts";

const lines: Line<SocketLink>[] = [];

function keepConnected(endpoint: { host: string; port: number }): Line<SocketLink> {
  const line = connect({
    dial: tcp(endpoint),
    heartbeat: false,
    backoff: { initialMs: 100 },
    failFast: false,
  });
  lines.push(line);
  return line;
}

async function reached(line: Line<SocketLink>, epoch: number): Promise<void> {
  for await (const status of line.changes()) {
    // Whoever does not read does not notice an end.
    line.link?.socket.resume();
    if (status.state === "connected" && status.epoch >= epoch) return;
  }
  expect.unreachable("the line ended");
}

describe("a line over tcp", () => {
  afterEach(async () => {
    for (const line of lines.splice(0)) await line.close();
  });

  it("comes back after resets, ends and refusals, and leaves nothing behind", async () => {
    await using server = await serve();
    await using proxy = await startFaultyProxy({ target: server.endpoint });
    const line = keepConnected(proxy.endpoint as { host: string; port: number });
    await reached(line, 1);
    await proxy.accepted(1);
    expect(proxy.cut().connections).toBe(1);
    await reached(line, 2);
    (await proxy.accepted(2)).apply({ kind: "end" });
    await reached(line, 3);
    await proxy.accepted(3);
    await proxy.refuse();
    proxy.cut();
    for await (const { failure } of line.changes()) if (failure?.code === "connection_refused") break;
    await proxy.heal();
    await reached(line, 4);
    const last = await proxy.accepted(4);
    expect((await line.close()).code).toBe("closed");
    // The server of this test leaves it to the test to end its side.
    await until(() => server.accepted.length === 4);
    for (const socket of server.accepted) socket.resume().end();
    await last.closed;
    expect(proxy.connections.every(({ isClosed }) => isClosed)).toBe(true);
  });
});
