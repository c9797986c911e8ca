// Whose a port is: programs of one owner, programs of others, and relays that were restarted.
import { mkdtemp, readFile, rm, writeFile, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { openNative, ownerKey, portOf, relayPort, startNativeRelay, talk } from "./native-stage.ts";
import { echo, Peer, serve, until } from "./sockets.ts";

async function proxyTo(port: number): Promise<{ proxy: FaultyProxy; proxyPort: number }> {
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port } });
  onTestFinished(() => proxy.close());
  if ("path" in proxy.endpoint) throw new Error("a proxy of a port listens on a port");
  return { proxy, proxyPort: proxy.endpoint.port };
}

const says = (text: string) => serve((socket) => void socket.write(text));

describe("another program of the same owner", () => {
  test("has the port at once if the first one's link is gone", async () => {
    const { port: relayPort, relay, events } = await startNativeRelay();
    const { proxy, proxyPort } = await proxyTo(relayPort);
    const [key, target] = [ownerKey(), await says("target")];
    const first = openNative({ relayPort: proxyPort, targetPort: target.port, ownerKey: key });
    const port = await portOf(first.tunnel);
    const visitor = await Peer.connect(port);
    await visitor.hears("target");
    // As after kill -9: the link is reset, and nobody comes back.
    await proxy.refuse();
    proxy.cut();
    await until("the relay knows", () => relay.status.tunnels[0]?.attached === false);
    const second = openNative({ relayPort, targetPort: target.port, ownerKey: key });
    expect(await portOf(second.tunnel)).toBe(port);
    expect(second.tunnel.targets[0]?.phase).toMatchObject({ generation: 2 });
    // What the first one carried is broken off, and not ended.
    await visitor.isReset();
    await (await Peer.connect(port)).hears("target");
    expect(events.map((event) => (event.type === "tunnel_closed" ? event.reason : event.type))).toContain(
      "replaced",
    );
    // If it lives after all, it learns that it was replaced, and stays away.
    await proxy.heal();
    expect(await first.tunnel.ended).toMatchObject({ code: "replaced", error: { code: "replaced" } });
    expect(first.tunnel.line.status.state).toBe("disconnected");
    expect(second.tunnel.targets[0]?.phase.type).toBe("bound");
  });

  test("has it after a probe if the first one does not answer", async () => {
    const { port: relayPort } = await startNativeRelay({ limits: { probeMs: 300 } });
    const { proxy, proxyPort } = await proxyTo(relayPort);
    const [key, target] = [ownerKey(), await says("target")];
    const first = openNative({ relayPort: proxyPort, targetPort: target.port, ownerKey: key });
    const port = await portOf(first.tunnel);
    proxy.apply({ kind: "half_open" });
    const second = openNative({ relayPort, targetPort: target.port, ownerKey: key });
    expect(await portOf(second.tunnel)).toBe(port);
    await proxy.heal();
    expect(await first.tunnel.ended).toMatchObject({ code: "replaced" });
  });

  test("is refused if the first one is there, and ends", async () => {
    const { port: relayPort, events } = await startNativeRelay();
    const [key, target] = [ownerKey(), await says("target")];
    const first = openNative({ relayPort, targetPort: target.port, ownerKey: key });
    const port = await portOf(first.tunnel);
    const second = openNative({ relayPort, targetPort: target.port, ownerKey: key });
    expect(await second.tunnel.ended).toMatchObject({
      code: "failed",
      error: { code: "held", kind: "fatal" },
    });
    expect(second.tunnel.targets[0]?.phase.type).toBe("refused");
    expect(events.at(-1)).toMatchObject({ type: "refused", reason: "held" });
    await (await Peer.connect(port)).hears("target");
    expect(first.tunnel.targets[0]?.phase).toMatchObject({ type: "bound", generation: 1 });
  });

  test("takes it by force, once, and the first one never takes it back", async () => {
    const { port: relayPort } = await startNativeRelay();
    const [key, target] = [ownerKey(), await says("target")];
    const first = openNative({ relayPort, targetPort: target.port, ownerKey: key });
    const port = await portOf(first.tunnel);
    const visitor = await Peer.connect(port);
    await visitor.hears("target");
    const targets = [{ target: `127.0.0.1:${target.port}`, force: true }];
    const second = openNative({ relayPort, targets, ownerKey: key });
    expect(await portOf(second.tunnel)).toBe(port);
    await visitor.isReset();
    expect(await first.tunnel.ended).toMatchObject({ code: "replaced" });
    expect(first.events.map(({ type }) => type)).toContain("replaced");
    await (await Peer.connect(port)).hears("target");
  });

  test("with another target lives side by side with it, and may take one port of several", async () => {
    const { port: relayPort, relay } = await startNativeRelay();
    const [key, one, two, three] = [ownerKey(), await says("one"), await says("two"), await says("three")];
    const target = (port: number, more = {}): { target: string } => ({
      target: `127.0.0.1:${port}`,
      ...more,
    });
    const first = openNative({ relayPort, targets: [target(one.port), target(two.port)], ownerKey: key });
    const [portOne, portTwo] = [await portOf(first.tunnel, 1), await portOf(first.tunnel, 2)];
    const kept = await Peer.connect(portTwo);
    await kept.hears("two");
    const cut = await Peer.connect(portOne);
    await cut.hears("one");
    const second = openNative({
      relayPort,
      targets: [target(three.port), target(one.port, { force: true })],
      ownerKey: key,
    });
    expect(await portOf(second.tunnel, 2)).toBe(portOne);
    await until("the first one knows", () => first.tunnel.targets[0]?.phase.type === "replaced");
    expect(first.tunnel.targets[1]?.phase.type).toBe("bound");
    expect(first.tunnel.line.status.state).toBe("connected");
    await cut.isReset();
    expect(kept.error).toBeUndefined();
    expect(relay.status.tunnels).toHaveLength(3);
  });
});

describe("another owner", () => {
  test("is refused while the lease lasts, with force too, and has the port when it is over", async () => {
    const { port: relayPort } = await startNativeRelay({ limits: { leaseMs: 1_500 } });
    const [one, two] = [await says("one"), await says("two")];
    const first = openNative({ relayPort, targetPort: one.port, ownerKey: ownerKey() });
    const port = await portOf(first.tunnel);
    const targets = [{ target: `127.0.0.1:${two.port}`, port, force: true }];
    const second = openNative({ relayPort, targets, ownerKey: ownerKey() });
    await until("it is refused", () => second.tunnel.targets[0]?.phase.type === "waiting");
    expect(second.tunnel.targets[0]?.phase).toMatchObject({ failure: { code: "leased", kind: "transient" } });
    await (await Peer.connect(port)).hears("one");
    await first.tunnel.close();
    await until("it has the port", () => second.tunnel.targets[0]?.phase.type === "bound", 30_000);
    await (await Peer.connect(port)).hears("two");
  });

  test("is never given a leased port by chance", async () => {
    const { port: relayPort, relay } = await startNativeRelay({ ports: [30_000, 30_002] });
    const target = await says("x");
    const owner = openNative({ relayPort, targetPort: target.port, ownerKey: ownerKey() });
    const port = await portOf(owner.tunnel);
    await owner.tunnel.close();
    await until("it is kept", () => relay.status.leases[0]?.until !== undefined);
    for (let tries = 0; tries < 5; tries += 1) {
      const other = openNative({ relayPort, targetPort: target.port });
      expect(await portOf(other.tunnel)).not.toBe(port);
      expect(other.events.map(({ type }) => type)).toEqual(["port"]);
      await other.tunnel.close();
      await until("it is gone", () => relay.status.tunnels.length === 0);
    }
  });
});

test("a client without an owner key loses its port with its session", async () => {
  const { port: relayPort, relay } = await startNativeRelay();
  const target = await says("x");
  const { tunnel } = openNative({ relayPort, targetPort: target.port });
  await portOf(tunnel);
  await tunnel.close();
  await until("nothing is left", () => relay.status.leases.length === 0);
});

describe("a relay that was restarted", () => {
  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "holdfast-leases-"));
    await chmod(path, 0o700);
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  test("gives ports back to their owners only, and parks visitors meanwhile", async () => {
    const leaseFile = join(await folder(), "leases.json");
    const before = await startNativeRelay({ leaseFile, port: await relayPort() });
    const { proxy, proxyPort } = await proxyTo(before.port);
    const [key, target] = [ownerKey(), await echo()];
    const client = openNative({ relayPort: proxyPort, targetPort: target.port, ownerKey: key });
    const port = await portOf(client.tunnel);
    const cut = await talk(port);
    await proxy.refuse();
    await before.relay.close();
    await cut.isReset();
    expect(JSON.parse(await readFile(leaseFile, "utf8"))).toMatchObject({ leases: [{ port, until: null }] });

    const after = await startNativeRelay({ leaseFile, port: before.port });
    expect(after.relay.status.leases).toMatchObject([{ port, generation: 1 }]);
    const visitor = await Peer.connect(port);
    visitor.say("from the gap");
    const stranger = openNative({
      relayPort: after.port,
      targets: [{ target: `127.0.0.1:${target.port}`, port }],
      ownerKey: ownerKey(),
    });
    await until("a stranger is refused", () => stranger.tunnel.targets[0]?.phase.type === "waiting");
    await stranger.tunnel.close();
    await proxy.heal();
    await visitor.hears("from the gap");
    await until("the client knows", () => client.tunnel.targets[0]?.phase.type === "bound");
    expect(client.tunnel.targets[0]?.phase).toMatchObject({ port, generation: 1 });
    expect(client.events.filter(({ type }) => type === "session_lost")).toMatchObject([{ streams: 1 }]);
    expect(client.events.filter(({ type }) => type === "port")).toHaveLength(1);
  });

  test("starts with a damaged file, says so, and puts it aside", async () => {
    const leaseFile = join(await folder(), "leases.json");
    await writeFile(leaseFile, "{", { mode: 0o600 });
    const { events, relay } = await startNativeRelay({ leaseFile });
    expect(events).toMatchObject([{ type: "warning", error: { code: "damaged_file" } }]);
    expect(relay.status.leases).toEqual([]);
  });
});
