// The `ssh` plugin's ways to a real OpenSSH server: its configuration, agents, jumps and commands; and its returns.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { recordAttempt, type RecordedAttempt } from "../../packages/net/src/compliance/index.ts";
import { runLine } from "../../packages/remote/src/compliance/run-process.ts";
import { parseDestination, UNATTENDED } from "../../packages/remote/src/index.ts";
import type { Interaction, Machine, PluginContext } from "../../packages/remote/src/index.ts";
import { judgeKey, parseKnownHosts } from "../../packages/remote/src/ssh/known-hosts.ts";
import { sshPlugin } from "../../packages/remote/src/ssh/ssh-plugin.ts";
import { until } from "../../packages/tunnel/test/sockets.ts";
import { hasSystemPeer } from "./peer.ts";
import { contextOf, PrivateSshd } from "./private-sshd.ts";

describe.skipIf(!hasSystemPeer("openssh"))("the ssh plugin and OpenSSH", () => {
  let sshd: PrivateSshd;
  const machines: Machine[] = [];

  beforeAll(async () => {
    sshd = await PrivateSshd.start();
  });
  afterAll(() => sshd.end());
  afterEach(() => {
    for (const machine of machines.splice(0)) machine.close();
  });

  async function dial(
    context: PluginContext = contextOf(sshd),
    destination = sshd.destination,
    interaction: Interaction = UNATTENDED,
  ): Promise<{ machine: Machine; attempt: RecordedAttempt }> {
    const attempt = recordAttempt();
    const backend = await sshPlugin.open(parseDestination(destination), context);
    const machine = await backend.dial(attempt, interaction);
    machines.push(machine);
    return { machine, attempt };
  }

  /** A configuration file of the test's own; the usual keys and known hosts stand in it, too. */
  function configuration(lines: readonly string[]): PluginContext & { warnings: string[] } {
    const always = [
      "IdentityAgent none",
      `IdentityFile ${sshd.path("user")}`,
      `UserKnownHostsFile ${sshd.path("known_hosts")}`,
      "GlobalKnownHostsFile /dev/null",
      "StrictHostKeyChecking yes",
    ];
    const file = sshd.write("own_config", [...lines, "Host *", ...always, ""].join("\n"));
    return { ...contextOf(sshd), options: { config_file: file }, warnings: [] };
  }

  test("a host of the configuration has its name, port, user and keys from there", async () => {
    const lines = ["Host box", "  HostName 127.0.0.1", `  Port ${sshd.port}`, `  User ${sshd.user}`];
    const { machine, attempt } = await dial(configuration(lines), "ssh://box");
    expect(await machine.systemInfo()).toMatchObject({
      family: "unix",
      os: process.platform,
      username: sshd.user,
    });
    expect(machine.localAddress).toBe("127.0.0.1");
    expect(attempt.heardCount).toBeGreaterThan(0);
  });

  test("without an installed ssh the file is read by us, and a host without HostName is itself", async () => {
    const context = configuration([
      "Host 127.0.0.*",
      `  Port ${sshd.port}`,
      `  User ${sshd.user}`,
      "Match all",
      "  User x",
    ]);
    const warnings: string[] = [];
    const bare = {
      ...context,
      environment: { PATH: "/nonexistent" },
      warn: (text: string) => void warnings.push(text),
    };
    // `Match` ends at the next `Host`.
    await dial(bare, "ssh://127.0.0.1");
    expect(warnings).toEqual([expect.stringContaining("Match is left out")]);
  });

  test("a configuration that ssh refuses is an error with its words", async () => {
    await expect(dial(configuration(["Nonsense yes"]), "ssh://box")).rejects.toMatchObject({
      code: "bad_configuration",
      kind: "fatal",
      text: expect.stringMatching(/nonsense/i),
    });
  });

  test("through two other hosts, each with its own key", async () => {
    const lines = [
      "Host one two three",
      "  HostName 127.0.0.1",
      `  Port ${sshd.port}`,
      `  User ${sshd.user}`,
      "Host three",
      "  ProxyJump one,two",
    ];
    const context = configuration(lines);
    const { machine, attempt } = await dial(context, "ssh://three");
    expect(await runLine(machine, "echo through")).toBe("through\n");
    const children = sshd.children.length;
    expect(children).toBeGreaterThanOrEqual(3);
    machine.close();
    await until("all connections have gone", () => sshd.children.length <= children - 3);
    expect(attempt.losses).toEqual([]);
  });

  test("the loss of a host in between is the loss of the link", async () => {
    const lines = [
      "Host *",
      "  HostName 127.0.0.1",
      `  Port ${sshd.port}`,
      `  User ${sshd.user}`,
      "Host far",
      "  ProxyJump near",
    ];
    const { machine, attempt } = await dial(configuration(lines), "ssh://far");
    const process = await machine.start({ command: ["sleep", "600"] });
    // The oldest is the nearest.
    const [nearest] = sshd.children.toSorted((a, b) => a - b);
    globalThis.process.kill(nearest ?? 0, "SIGKILL");
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
    // By the end itself, long before keepalives would tell.
    expect(attempt.losses).toMatchObject([{ code: "connection_reset" }]);
  });

  test("hosts that lead through one another in a circle are refused", async () => {
    const lines = ["Host a", "  ProxyJump b", "Host b", "  ProxyJump a"];
    await expect(dial(configuration(lines), "ssh://a")).rejects.toMatchObject({ code: "bad_configuration" });
  });

  test("through a command, which ends with the link", async () => {
    const pid = sshd.path("proxy.pid");
    const program = `require("net").connect(${sshd.port},"127.0.0.1",function(){process.stdin.pipe(this).pipe(process.stdout)})`;
    const script = sshd.write("proxy.sh", `echo $$ >${pid}; exec ${process.execPath} -e '${program}'\n`);
    const command = `/bin/sh ${script} %h %p`;
    const { machine, attempt } = await dial(contextOf(sshd, { proxy_command: command }));
    expect(await runLine(machine, "head -c 1000000 /dev/zero | wc -c")).toBe("1000000\n");
    const runs = (): boolean => {
      try {
        return process.kill(Number(readFileSync(pid, "utf8")), 0);
      } catch {
        return false;
      }
    };
    expect(runs()).toBe(true);
    machine.close();
    await until("the command has gone", () => !runs());
    expect(attempt.losses).toEqual([]);
  });

  test("a command that fails is an error with its words", async () => {
    const context = contextOf(sshd, { proxy_command: "sh -c 'echo no way >&2; exit 3'" });
    await expect(dial(context)).rejects.toMatchObject({ text: expect.stringContaining("no way") });
  });

  test("by an agent, and by no other of its keys than those that are configured", async () => {
    const socket = sshd.path("agent.sock");
    const said = execFileSync("ssh-agent", ["-a", socket], { encoding: "utf8" });
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1]);
    onTestFinished(() => void process.kill(pid));
    const environment = { ...process.env, SSH_AUTH_SOCK: socket };
    sshd.makeKey("other");
    for (const key of ["other", "user"]) {
      expect(spawnSync("ssh-add", ["-q", sshd.path(key)], { env: environment }).status).toBe(0);
    }
    const context = { ...contextOf(sshd, { identity_file: "none" }), environment: { SSH_AUTH_SOCK: socket } };
    sshd.write("agent_config", "");
    const open = { ...context, options: { ...context.options, config_file: sshd.path("agent_config") } };
    await dial(open);
    // The public half alone names the key.
    writeFileSync(sshd.path("public"), readFileSync(sshd.path("user.pub")));
    sshd.write("agent_config", "IdentitiesOnly yes\n");
    const named = { ...open, options: { ...open.options, identity_file: sshd.path("public") } };
    await dial(named);
    const none = { ...open, options: { ...open.options, identity_file: sshd.path("other.pub") } };
    await expect(dial(none)).rejects.toMatchObject({ code: "auth_required" });
  });

  test("a key that OpenSSH locked is asked for once", async () => {
    const key = sshd.makeKey("locked", "open sesame");
    writeFileSync(sshd.path("authorized_keys"), readFileSync(`${key}.pub`), { flag: "a" });
    const asked: string[] = [];
    const person: Interaction = {
      attended: true,
      ask: (questions) => {
        asked.push(...questions.map(({ text }) => text));
        return Promise.resolve(["open sesame"]);
      },
      confirm: () => Promise.resolve(false),
    };
    await dial(contextOf(sshd, { identity_file: key }), sshd.destination, person);
    expect(asked).toHaveLength(1);
  });

  test("a line that OpenSSH hashed is understood", () => {
    const copy = sshd.write("hashed", readFileSync(sshd.path("known_hosts"), "utf8"));
    execFileSync("ssh-keygen", ["-q", "-H", "-f", copy], { stdio: "ignore" });
    const known = parseKnownHosts(readFileSync(copy, "utf8"), copy);
    const key = Buffer.from(readFileSync(sshd.path("host.pub"), "utf8").split(" ")[1] ?? "", "base64");
    expect(judgeKey(`[127.0.0.1]:${sshd.port}`, key, known).kind).toBe("known");
    expect(known.lines[0]?.names).toMatch(/^\|1\|/);
  });

  test("a server that is frozen is found dead by its keepalives", async () => {
    const context = contextOf(sshd, { heartbeat_interval_ms: "200", max_heartbeat_failures: "2" });
    const { machine, attempt } = await dial(context);
    const process = await machine.start({ command: ["cat"] });
    sshd.signalConnections("SIGSTOP");
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
    expect(attempt.losses).toMatchObject([{ code: "timed_out" }]);
    await expect(machine.ping()).rejects.toMatchObject({ code: "not_connected" });
    sshd.signalConnections("SIGCONT");
  });

  test("after a restart with the same key nobody is asked; with another one a person is needed", async () => {
    const context = contextOf(sshd);
    const { attempt } = await dial(context);
    await sshd.stop();
    sshd.signalConnections("SIGKILL");
    await expect(dial(context)).rejects.toMatchObject({ code: "connection_refused", kind: "transient" });
    await sshd.run();
    await dial(context);
    sshd.makeKey("second");
    sshd.configure([], "second");
    await sshd.stop();
    await sshd.run();
    await expect(dial(context)).rejects.toMatchObject({ code: "auth_required", kind: "unauthorized" });
    const changed = dial(contextOf(sshd));
    await expect(changed).rejects.toMatchObject({
      code: "identity_changed",
      hint: expect.stringContaining("ssh-keygen -R"),
    });
    // The command that the hint names does it.
    const name = `[127.0.0.1]:${sshd.port}`;
    execFileSync("ssh-keygen", ["-R", name, "-f", sshd.path("known_hosts")], { stdio: "ignore" });
    await dial(contextOf(sshd));
    expect(attempt.losses.length).toBeLessThanOrEqual(1);
    sshd.configure([]);
    await sshd.stop();
    sshd.write("known_hosts", `${name} ${readFileSync(sshd.path("host.pub"), "utf8")}`);
    await sshd.run();
  });

  test("what sshd forbids is said so", async () => {
    const { machine } = await dial();
    machine.close();
    sshd.configure(["AllowTcpForwarding no", "MaxSessions 1"]);
    await sshd.stop();
    await sshd.run();
    const { machine: bound } = await dial();
    await expect(bound.connectTcp("127.0.0.1", 9)).rejects.toMatchObject({
      code: "permission_denied",
      kind: "fatal",
    });
    await expect(bound.listenTcp("127.0.0.1", 0, () => undefined)).rejects.toMatchObject({
      code: "address_in_use",
    });
    const held = await bound.start({ command: ["cat"] });
    await expect(bound.start({ command: ["true"] })).rejects.toMatchObject({ code: "refused" });
    held.stdin.end();
    await held.ended;
    sshd.configure([]);
    await sshd.stop();
    await sshd.run();
  });
});
