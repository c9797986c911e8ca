// The real OpenSSH through a native tunnel: it carries bulk both ways while the link is cut, and notices nothing.
import { createHash } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { Scene } from "../../acceptance/harness/scene.ts";
import { startSshServer, type SshServer } from "../../acceptance/harness/ssh-server.ts";
import { freePort, until } from "../../packages/tunnel/test/sockets.ts";
import { tunnelTo, type CuttableTunnel } from "./native-tunnel.ts";
import { hasSystemPeer } from "./peer.ts";

const HOST = "127.0.0.1";
/** About 7 MB of text, all of it different. */
const NUMBERS = 1_000_000;
const numbers = (): string => Array.from({ length: NUMBERS }, (_, index) => `${index + 1}\n`).join("");
const CUTS = 3;

async function sshThroughTunnel(): Promise<{ server: SshServer; through: CuttableTunnel }> {
  const scene = new Scene();
  onTestFinished(() => scene.end());
  const server = await startSshServer(scene, await freePort());
  return { server, through: await tunnelTo(server.port) };
}

/** Cut the link in the middle of it, as often as `CUTS` says. Gives how many bytes were under way in all. */
async function cutWhileItRuns({ tunnel, proxy }: CuttableTunnel, direction: "up" | "down"): Promise<number> {
  proxy.apply({ kind: "throttle", bytesPerSecond: 4_000_000 });
  let inFlight = 0;
  for (let cut = 1; cut <= CUTS; cut++) {
    const link = await proxy.accepted(cut);
    await until("bytes are under way", () => link[direction].forwarded > 300_000);
    inFlight += link[direction].inFlight;
    link.apply({ kind: "reset" });
    await until("the tunnel is back", () => tunnel.line.status.epoch > cut);
  }
  return inFlight;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe.skipIf(!hasSystemPeer("openssh"))("OpenSSH through a native tunnel", () => {
  test("what a command prints arrives whole, over three cuts", async () => {
    const { server, through } = await sshThroughTunnel();
    const shell = server.visit(HOST, through.port, `seq 1 ${NUMBERS}`);
    expect(await cutWhileItRuns(through, "up")).toBeGreaterThan(0);
    expect(await shell.exits(), shell.stderr).toBe(0);
    expect(sha256(shell.stdout)).toBe(sha256(numbers()));
    expect(through.tunnel.line.status.epoch).toBe(CUTS + 1);
  });

  test("what a command is given arrives whole, over three cuts", async () => {
    const { server, through } = await sshThroughTunnel();
    const shell = server.visit(HOST, through.port, "sha256sum");
    shell.say(numbers());
    shell.sayNoMore();
    expect(await cutWhileItRuns(through, "down")).toBeGreaterThan(0);
    expect(await shell.exits(), shell.stderr).toBe(0);
    expect(shell.stdout).toContain(sha256(numbers()));
  });

  test("a command's exit code comes back, also when the link is cut while it waits", async () => {
    const { server, through } = await sshThroughTunnel();
    const shell = server.visit(HOST, through.port, "echo ready; read line; exit 7");
    await shell.says("ready");
    through.proxy.cut();
    await until("the tunnel is back", () => through.tunnel.line.status.epoch === 2);
    shell.say("go on\n");
    expect(await shell.exits(), shell.stderr).toBe(7);
  });
});
