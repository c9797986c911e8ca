// A server of ours, launched through the real OpenSSH server: what runs in it survives the ssh connections.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { build } from "../../packages/cli/test/command.ts";
import { isProcessAlive } from "../../packages/control/src/index.ts";
import {
  launchPlugin,
  openConnection,
  pluginRegistry,
  sshPlugin,
  type Connection,
} from "../../packages/remote/src/index.ts";
import { until } from "../../packages/tunnel/test/sockets.ts";
import { hasSystemPeer } from "./peer.ts";
import { PrivateSshd } from "./private-sshd.ts";

const MAIN = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

describe.skipIf(!hasSystemPeer("openssh"))("a server that is launched over OpenSSH", () => {
  let sshd: PrivateSshd;
  let program: string;

  beforeAll(async () => {
    await build();
    sshd = await PrivateSshd.start();
    const home = sshd.path("home");
    program = sshd.write("hf", `#!/bin/sh\nHOLDFAST_HOME=${home} exec ${process.execPath} ${MAIN} "$@"\n`);
    chmodSync(program, 0o700);
  }, 120_000);
  afterAll(() => sshd.end());

  const servers = (): number[] => {
    const sockets = existsSync(sshd.path("home/run")) ? readdirSync(sshd.path("home/run")) : [];
    // One that was killed leaves its socket.
    return sockets.map((name) => Number(/^serve-(\d+)\.sock$/.exec(name)?.[1])).filter(isProcessAlive);
  };

  async function launched(options: Record<string, string> = { holdfast: program }): Promise<Connection> {
    const connection = await openConnection({
      plugins: pluginRegistry([launchPlugin({ through: [sshPlugin] })]),
      destination: `launch+${sshd.destination}`,
      id: "1",
      options: { ...sshd.options, ...options },
      policy: { backoff: { initialMs: 100, maxMs: 500 }, dialTimeoutMs: 30_000 },
    });
    onTestFinished(async () => {
      await connection.close();
      await until("the server has ended with its session", () => servers().length === 0);
    });
    await until(
      "it is connected, or has failed",
      () => !["connecting", "reconnecting"].includes(connection.status.state),
    );
    return connection;
  }

  it("goes on over killed ssh connections and a stopped sshd, and ends with its connection", async () => {
    const connection = await launched();
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    const [server = 0] = servers();
    const line = execFileSync("ps", ["-o", "args=", "-p", String(server)], { encoding: "utf8" });
    expect(line).toMatch(/--secret-file - .*|--secret-file -$/);
    const machine = await connection.machine();
    const far = await machine.start({ command: ["sh", "-c", "while read x; do echo $x; done; exit 5"] });
    far.stderr.resume();
    let text = "";
    far.stdout.on("data", (piece: Buffer) => (text += piece.toString()));
    far.stdin.write("one\n");
    await until("the first line is back", () => text === "one\n");
    sshd.signalConnections("SIGKILL");
    far.stdin.write("two\n");
    await until("a second link", () => connection.status.epoch === 2);
    await until("the second line is back", () => text === "one\ntwo\n");
    // Processes of connections outlive the sshd that accepted them.
    const { children } = sshd;
    await sshd.stop();
    for (const pid of children) process.kill(pid, "SIGKILL");
    await until("it says why", () => connection.status.failure?.code === "connection_refused");
    expect(connection.status).toMatchObject({ state: "reconnecting", epoch: 2 });
    far.stdin.end("three\n");
    await sshd.run();
    await until("a third link", () => connection.status.epoch === 3);
    expect(await far.ended).toEqual({ code: 5 });
    expect(text).toBe("one\ntwo\nthree\n");
    expect(await connection.machine()).toBe(machine);
    expect(servers()).toEqual([server]);
  });

  it("starts another one where the first was killed", async () => {
    const connection = await launched();
    const machine = await connection.machine();
    const [first = 0] = servers();
    process.kill(first, "SIGKILL");
    await until(
      "another one",
      () => connection.status.state === "connected" && connection.status.epoch === 2,
    );
    const next = await connection.machine({ after: machine });
    expect((await next.systemInfo()).family).toBe("unix");
    expect(servers()).toHaveLength(1);
  });

  it("says what is missing there", async () => {
    const connection = await launched({ holdfast: "/nowhere/holdfast" });
    expect(connection.status).toMatchObject({ state: "disconnected", failure: { code: "launch_failed" } });
    expect(connection.status.failure?.text).toContain("there is no program /nowhere/holdfast");
    const wrong = await launched({ holdfast: "false" });
    expect(wrong.status.failure?.text).toContain("false serve did not start there");
  });
});
