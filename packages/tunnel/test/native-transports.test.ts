// Native tunnels over each transport that a relay takes on its one port, with a relay that proves who it is.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, type Attempt, type ByteLink } from "@holdfast/net";
import { tcp, tls, webSocket } from "@holdfast/net/node";
import { startFaultyProxy } from "@holdfast/net/testing";
import { loadRelayIdentity, openKnownRelays, relayVerifier, type RelayVerifier } from "@holdfast/trust";
import { expect, onTestFinished, test } from "vitest";
import { openTunnel, type NativeTunnelEvent } from "../src/index.ts";
import { backAfter, ownerKey, portOf, startNativeRelay, talk } from "./native-stage.ts";
import { echo, until } from "./sockets.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-relay-"));
  await chmod(path, 0o700);
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

type Dial = (attempt: Attempt) => Promise<ByteLink>;

const host = "127.0.0.1";
const TRANSPORTS: [string, (port: number, verify: RelayVerifier["verify"]) => Dial][] = [
  ["plain TCP", (port) => tcp({ host, port })],
  ["TLS", (port, verify) => tls({ host, port, verify })],
  ["ws", (port) => webSocket({ url: `ws://${host}:${port}/` })],
  ["wss", (port, verify) => webSocket({ url: `wss://${host}:${port}/`, verify })],
];

test.each(TRANSPORTS)(
  "over %s streams go on through cuts, and ports are their owner's",
  { timeout: 60_000 },
  async (_, dialFor) => {
    const secret = "known to both";
    const identity = await loadRelayIdentity(await folder(), { clock: systemClock });
    const { port: relayPort } = await startNativeRelay({
      tls: identity.current(),
      secret,
      // Plain links on this machine have nothing to bind a proof to.
      allowUnboundProofs: true,
    });
    const proxy = await startFaultyProxy({ target: { host, port: relayPort } });
    onTestFinished(() => proxy.close());
    if ("path" in proxy.endpoint) throw new Error("a proxy of a port listens on a port");
    const { port: proxyPort } = proxy.endpoint;
    const knownRelays = openKnownRelays({ path: join(await folder(), "known_relays"), clock: systemClock });
    const verifier = relayVerifier({ knownRelays, hasSecret: true });
    const target = await echo();
    const key = ownerKey();
    const open = () => {
      const events: NativeTunnelEvent[] = [];
      const tunnel = openTunnel({
        dial: dialFor(proxyPort, (peer) => verifier.verify(peer)),
        relayHost: host,
        targets: [{ target: `${host}:${target.port}` }],
        ownerKey: key,
        secret,
        backoff: { maxMs: 500 },
        onEvent: (event) => events.push(event),
      });
      onTestFinished(() => tunnel.close());
      return { tunnel, events };
    };
    const { tunnel, events } = open();
    const port = await portOf(tunnel);
    const visitor = await talk(port, "before ");
    for (let cuts = 0; cuts < 3; cuts += 1) {
      const { epoch } = tunnel.line.status;
      proxy.cut();
      visitor.say("x");
      await backAfter(tunnel, epoch);
    }
    await visitor.hears("before xxx");
    await until("three resumes are told", () => events.filter(({ type }) => type === "resumed").length === 3);
    expect(events.map(({ type }) => type)).not.toContain("session_lost");
    await tunnel.close();
    expect(await portOf(open().tunnel)).toBe(port);
  },
);
