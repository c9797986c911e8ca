// Many clients in one process, each with an address, an owner key, a session and a tunnel of its own:
// `clients.js RELAY_PORT FIRST COUNT`. Says when all have their ports, and of each when it had its port again.
import { randomBytes } from "node:crypto";
import { tcp } from "@holdfast/net/node";
import { openTunnel, type NativeTunnel } from "@holdfast/tunnel";

const [relayPort = 0, first = 0, count = 0] = process.argv.slice(2).map(Number);
const NOBODY = { host: "127.0.0.1", port: 9 };

/** The relay limits what one address may have. */
function addressOf(index: number): string {
  return `127.20.${Math.floor(index / 250)}.${1 + (index % 250)}`;
}

function open(index: number): NativeTunnel {
  return openTunnel({
    dial: tcp({ host: "127.0.0.1", port: relayPort, localAddress: addressOf(index) }),
    relayHost: "127.0.0.1",
    targets: [{ target: NOBODY, label: String(index) }],
    ownerKey: randomBytes(32),
    failFast: false,
  });
}

/** When its line was up again and it had its port, and how many dials that took. */
async function back(tunnel: NativeTunnel, port: number): Promise<string> {
  let dials = 0;
  let dialing = "";
  for await (const status of tunnel.line.changes()) {
    const now = "phase" in status && status.phase === "dialing" ? `${status.epoch} ${status.attempt}` : "";
    if (now !== "" && now !== dialing) dials += 1;
    dialing = now;
    if (status.epoch >= 2 && status.state === "connected") break;
  }
  for await (const [target] of tunnel.changes()) if (target?.phase.type === "bound") break;
  const kept = tunnel.targets[0]?.publicEndpoint?.port === port;
  return `back ${Date.now()} ${dials} ${kept ? "kept" : "lost"}`;
}

const tunnels = Array.from({ length: count }, (_, index) => open(first + index));
const ports = await Promise.all(
  tunnels.map(async (tunnel) => (await tunnel.ready())[0]?.publicEndpoint?.port ?? 0),
);
console.log("all there");
const all = tunnels.map(async (tunnel, index) => {
  console.log(await back(tunnel, ports[index] ?? 0));
});
await Promise.all(all);
console.log("all back");
