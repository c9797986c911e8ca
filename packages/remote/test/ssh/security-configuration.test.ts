// What names and settings may do: none is taken for an option or read by a shell, and no setting but ProxyCommand
// starts anything.
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { parseDestination, UNATTENDED } from "../../src/index.ts";
import type { Machine, PluginContext } from "../../src/index.ts";
import { sshPlugin } from "../../src/ssh/ssh-plugin.ts";
import { recordAttempt } from "@holdfast/net/compliance";
import { FakeSsh } from "./fake-ssh.ts";
import { OddServer } from "./odd-server.ts";

async function stage(): Promise<{
  readonly server: OddServer;
  readonly ssh: FakeSsh;
  /** Made by whatever is started that should not be. */
  readonly canary: string;
  readonly context: (options?: Record<string, string>) => PluginContext;
}> {
  const server = await OddServer.start();
  const ssh = new FakeSsh(server);
  const context = (options: Record<string, string> = {}): PluginContext => ({
    ...server.context(options),
    environment: { PATH: ssh.path, HOME: server.folder },
  });
  return { server, ssh, canary: server.path("canary"), context };
}

/** As `ssh -G` prints a host that is the odd server. */
const here = ({ port }: OddServer): readonly string[] => [
  "user me",
  "hostname 127.0.0.1",
  `port ${port}`,
  "identityfile none",
  "identityagent none",
];

async function dial(context: PluginContext, destination = "ssh://box"): Promise<Machine> {
  const backend = await sshPlugin.open(parseDestination(destination), context);
  const machine = await backend.dial(recordAttempt(), UNATTENDED);
  onTestFinished(() => machine.close());
  return machine;
}

describe("a destination", () => {
  it.each([
    "ssh://-oProxyCommand=touch",
    "ssh://-oProxyCommand=touch/",
    "ssh://-l@host",
    "ssh://me@-host",
    "ssh://me@@-host",
    "ssh://[-x]",
    "ssh://me@host name",
    "ssh://me;id@host",
    "ssh://me@host;id",
    "ssh://me@$(id)",
    "ssh://`id`@host",
    "ssh://me@host|id",
    "ssh://me@host&",
    "ssh://me@host>x",
    "ssh://me@host\nid",
    "ssh://me@host\u001b[2J",
    "ssh://me\u0000@host",
    "ssh://me@'host'",
    'ssh://me@"host"',
    "ssh://me@host*",
    "ssh://me@~{a,b}",
    "docker://-v",
    "docker+run://-v",
    "holdfast://-x",
  ])("%j is refused before anything is started, and not repeated raw", (text) => {
    const refused = (): unknown => parseDestination(text);
    expect(refused).toThrow(expect.objectContaining({ code: "bad_destination", kind: "fatal" }));
    expect(refused).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/\p{Cc}/u) as unknown }),
    );
  });

  it("stands behind `--` when ssh is asked about it, and its user and port are values of options", async () => {
    const { server, ssh, context } = await stage();
    ssh.prints(...here(server));
    await dial(context(), `ssh://me@box:${server.port}`);
    const file = server.path("ssh_config");
    expect(ssh.calls).toEqual(["-G", "-F", file, "-l", "me", "-p", String(server.port), "--", "box"]);
  });
});

describe("what ssh -G prints", () => {
  it.each([
    "hostname -oProxyCommand=touch CANARY",
    "hostname a;touch CANARY",
    "hostname $(touch CANARY)",
    "hostname a b",
    "user -oProxyCommand=touch",
    "user a`touch CANARY`",
    "user a|touch",
    "proxyjump -oProxyCommand=touch",
    "proxyjump me@-oProxyCommand=touch",
    "proxyjump -l@box",
    "proxyjump me;touch@box",
    "proxyjump $(touch)@box",
    "proxyjump box:1:2",
    "proxyjump box;touch",
    "proxyjump good,-bad",
  ])("%s: it is refused, and nothing is started", async (line) => {
    const { server, ssh, canary, context } = await stage();
    // The first line of a keyword holds, as with ssh itself.
    ssh.prints(line.replace("CANARY", canary), "proxycommand none", ...here(server));
    const dialled = dial(context());
    await expect(dialled).rejects.toMatchObject({ code: "bad_configuration", kind: "fatal", fault: "local" });
    expect(existsSync(canary)).toBe(false);
    // It was asked of the destination, and of good hosts on the way.
    expect(ssh.calls.filter((word) => !["-G", "-F", "--", "box", "good"].includes(word))).toEqual(
      ssh.calls.filter((word) => word === server.path("ssh_config")),
    );
    expect(server.clients).toEqual([]);
  });

  it.each(["-oProxyCommand=touch", "me@-x", "-l@box", "a;b@box", "a$b@box", "bo x", "box\u001b"])(
    "the option proxy_jump %j is refused, too",
    async (jump) => {
      const { server, ssh, context } = await stage();
      ssh.prints(...here(server));
      const failure = await dial(context({ proxy_jump: jump })).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "bad_configuration", kind: "fatal" });
      expect(String(failure)).not.toMatch(/\p{Cc}/u);
      expect(ssh.calls.filter((word) => word === "-G")).toHaveLength(1);
    },
  );

  it("starts nothing but a ProxyCommand", async () => {
    const { server, ssh, canary, context } = await stage();
    ssh.prints(
      ...here(server),
      "permitlocalcommand yes",
      ...["localcommand", "remotecommand", "knownhostscommand", "securitykeyprovider", "pkcs11provider"].map(
        (keyword) => `${keyword} touch ${canary}`,
      ),
      `forwardx11 yes`,
      `xauthlocation ${canary}`,
      "proxycommand none",
    );
    const machine = await dial(context());
    await machine.ping();
    expect(existsSync(canary)).toBe(false);
  });

  it("a host that is reached through another one has no ProxyCommand", async () => {
    const { server, ssh, canary, context } = await stage();
    // The odd server makes no connections for anybody, so that the jump alone is seen to be tried.
    ssh.prints(...here(server), `proxycommand touch ${canary}`, "proxyjump box");
    await expect(dial(context())).rejects.toMatchObject({ code: "bad_configuration" });
    expect(existsSync(canary)).toBe(false);
  });

  it("is shown with control bytes escaped where ssh refuses its configuration", async () => {
    const { ssh, context } = await stage();
    ssh.fails("line 3: \\033]0;x\\007 is bad\\n");
    await expect(dial(context())).rejects.toMatchObject({
      code: "bad_configuration",
      text: expect.stringContaining("line 3: \\x1b]0;x\\x07 is bad"),
    });
  });

  it("is not done without where ssh is there and cannot be started", async () => {
    const { server, ssh, context } = await stage();
    ssh.prints(...here(server));
    chmodSync(`${ssh.folder}/ssh`, 0o600);
    const only = { ...context(), environment: { PATH: ssh.folder } };
    await expect(dial(only)).rejects.toMatchObject({ code: "ssh_not_started", kind: "transient" });
  });
});

describe("a ProxyCommand", () => {
  it("is given the caller's world, and no secret of ours", async () => {
    const { server, ssh, context } = await stage();
    vi.stubEnv("HOLDFAST_SECRET", "hidden");
    vi.stubEnv("OURS", "ours");
    onTestFinished(() => void vi.unstubAllEnvs());
    const seen = server.path("seen");
    ssh.prints(...here(server), `proxycommand /bin/sh -c 'env >${seen}; exit 1'`);
    await expect(dial(context())).rejects.toMatchObject({ code: "proxy_failed" });
    const lines = readFileSync(seen, "utf8");
    expect(lines).toContain(`HOME=${server.folder}\n`);
    expect(lines).not.toMatch(/hidden|OURS/);
  });

  it("has names in it that no shell reads, whatever they are", async () => {
    const { server, ssh, canary, context } = await stage();
    const seen = server.path("seen");
    ssh.prints(
      "user a\\b",
      ...here(server),
      `proxycommand printf '%%s.' "%h" "%n" "%p" "%r" >${seen}; exit 1`,
    );
    await expect(dial(context())).rejects.toMatchObject({ code: "proxy_failed" });
    expect(readFileSync(seen, "utf8")).toBe(`127.0.0.1.box.${server.port}.a\\b.`);
    expect(existsSync(canary)).toBe(false);
  });

  it("that stops reading before it fails is quoted all the same", async () => {
    const { ssh, server, context } = await stage();
    const command = "exec 0<&-; echo SSH-2.0-x; sleep 0.3; echo no way >&2; exit 3";
    ssh.prints(...here(server), `proxycommand /bin/sh -c '${command}'`);
    await expect(dial(context())).rejects.toMatchObject({
      code: "proxy_failed",
      text: expect.stringContaining("no way"),
    });
  });

  it("that fails is quoted with control bytes escaped", async () => {
    const { ssh, server, context } = await stage();
    ssh.prints(...here(server), "proxycommand /bin/sh -c 'printf \"no\\033[2J way\" >&2; exit 1'");
    await expect(dial(context())).rejects.toMatchObject({
      code: "proxy_failed",
      text: expect.stringContaining("no\\x1b[2J way"),
    });
  });
});
