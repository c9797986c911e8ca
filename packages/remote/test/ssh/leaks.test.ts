// Nothing of a link is left once it has ended, whoever ended it.
import { describe, expect, it } from "vitest";
import { until } from "../../src/compliance/demands.ts";
import type { Machine } from "../../src/index.ts";
import { OddServer } from "./odd-server.ts";

/** What holds a process alive; the test runner's own stay the same. */
function sockets(): number {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /TCPSocketWrap|ProcessWrap|PipeWrap|Timeout/.test(name)).length;
}

async function busy(): Promise<{
  server: OddServer;
  machine: Machine;
  losses: readonly unknown[];
  pending: Promise<unknown>[];
}> {
  const server = await OddServer.start({
    onSession: (session) => {
      session.on("exec", (accept) => void accept());
      session.on("sftp", (accept) => void accept());
    },
    onClient: (client) => void client.on("tcpip", (accept) => void accept()),
  });
  const { machine, attempt } = await server.dial();
  const process = await machine.start({ command: ["cat"] });
  const stream = await machine.connectTcp("far", 80);
  const ended = [process.stdin, process.stdout, process.stderr, stream].map(
    (one) => new Promise((_, reject) => one.once("error", reject)),
  );
  const pending = [
    process.ended,
    machine.files.stat("/x"),
    machine.start({ command: "x" }).then((p) => p.ended),
    ...ended,
  ];
  return { server, machine, losses: attempt.losses, pending };
}

async function allLost(pending: readonly Promise<unknown>[]): Promise<void> {
  for (const one of pending) await expect(one).rejects.toMatchObject({ code: "link_lost" });
}

describe("the end of a link", () => {
  it("by us leaves no socket, timer or process, and is no loss", async () => {
    const before = sockets();
    const { server, machine, losses, pending } = await busy();
    machine.close();
    machine.close();
    await allLost(pending);
    expect(losses).toEqual([]);
    await server.end();
    await until(() => sockets() <= before, "everything has gone");
  });

  it("by the other side leaves nothing either, and is one loss", async () => {
    const before = sockets();
    const { server, losses, pending } = await busy();
    for (const client of server.clients) client.end();
    await allLost(pending);
    expect(losses).toEqual([undefined]);
    await server.end();
    await until(() => sockets() <= before, "everything has gone");
  });

  it("is the end of all that is asked afterwards, at once", async () => {
    const { machine, pending } = await busy();
    machine.close();
    await allLost(pending);
    const asked = [
      machine.ping(),
      machine.start({ command: "x" }),
      machine.connectTcp("far", 80),
      machine.listenTcp("127.0.0.1", 0, () => undefined),
      machine.files.list("/"),
      machine.systemInfo(),
    ];
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: "not_connected" });
  });
});
