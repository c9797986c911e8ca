// Every way to log in to a real OpenSSH server: with and without PAM, by one method and by several after each other.
// The passwords are those of a copy of /etc/shadow that the server alone sees, in a mount namespace of its own.
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { recordAttempt } from "../../packages/net/src/compliance/index.ts";
import { runLine } from "../../packages/remote/src/compliance/run-process.ts";
import { parseDestination, UNATTENDED } from "../../packages/remote/src/index.ts";
import type { Interaction, Machine, Question } from "../../packages/remote/src/index.ts";
import { sshPlugin } from "../../packages/remote/src/ssh/ssh-plugin.ts";
import { until } from "../../packages/tunnel/test/sockets.ts";
import { hasSystemPeer } from "./peer.ts";
import { contextOf, PrivateSshd } from "./private-sshd.ts";

const PASSWORD = "correct horse";
/** Says something before it asks, which is no question. */
const PAM = `auth optional pam_echo.so The vault is guarded.
auth required pam_unix.so
account required pam_permit.so
session required pam_permit.so
`;
const WITHOUT_PAM = ["UsePAM no"];
const WITH_PAM = ["UsePAM yes"];

/** Gives the same answer to everything, and keeps what it was asked. */
class Person implements Interaction {
  readonly attended = true;
  readonly asked: Question[] = [];
  readonly #answers: string[];

  constructor(...answers: string[]) {
    this.#answers = answers;
  }

  ask(questions: readonly Question[]): Promise<readonly string[]> {
    this.asked.push(...questions);
    return Promise.resolve(questions.map(() => this.#answers.shift() ?? PASSWORD));
  }

  confirm(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

/** Whether a mount namespace can be made here, in which a file stands for another one. */
function canBind(): boolean {
  const tried = spawnSync("unshare", ["-m", "sh", "-c", "mount --bind /etc/hostname /etc/shadow"]);
  const able = userInfo().uid === 0 && tried.status === 0;
  if (able) return true;
  if (process.env["HOLDFAST_REQUIRE_PEERS"] === "1") throw new Error("mount namespaces are needed, as root");
  process.stderr.write("skipped: logins by password need root and mount namespaces\n");
  return false;
}

describe.skipIf(!hasSystemPeer("openssh") || !canBind())("logins to OpenSSH", () => {
  let sshd: PrivateSshd;
  let own: ChildProcess | undefined;
  const machines: Machine[] = [];

  beforeAll(async () => {
    sshd = await PrivateSshd.start();
    await sshd.stop();
    const hash = execFileSync("openssl", ["passwd", "-6", PASSWORD], { encoding: "utf8" }).trim();
    const others = readFileSync("/etc/shadow", "utf8")
      .split("\n")
      .filter((line) => !line.startsWith(`${sshd.user}:`));
    sshd.write("shadow", [`${sshd.user}:${hash}:19000:0:99999:7:::`, ...others].join("\n"));
    sshd.write("pam", PAM);
    return async () => sshd.end();
  });

  afterEach(async () => {
    for (const machine of machines.splice(0)) machine.close();
    const child = own;
    own = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await until("the server is gone", () => child.signalCode !== null || child.exitCode !== null);
  });

  async function serve(...settings: readonly string[]): Promise<void> {
    sshd.configure(settings);
    const script = [
      `mount --bind '${sshd.path("shadow")}' /etc/shadow`,
      `mount --bind '${sshd.path("pam")}' /etc/pam.d/sshd`,
      `exec /usr/sbin/sshd -D -e -f '${sshd.path("sshd_config")}'`,
    ].join(" && ");
    const child = spawn("unshare", ["-m", "sh", "-c", script], { stdio: ["ignore", "ignore", "pipe"] });
    own = child;
    let log = "";
    child.stderr.on("data", (piece: Buffer) => (log += piece.toString()));
    await until(`sshd listens; it says ${log}`, () => log.includes("Server listening"));
  }

  async function dial(
    interaction: Interaction = UNATTENDED,
    options: Record<string, string> = { identity_file: "none" },
    environment = {},
  ): Promise<Machine> {
    const context = { ...contextOf(sshd, options), environment };
    const backend = await sshPlugin.open(parseDestination(sshd.destination), context);
    const machine = await backend.dial(recordAttempt(), interaction);
    machines.push(machine);
    expect(await runLine(machine, "echo in")).toBe("in\n");
    return machine;
  }

  const key = (): Record<string, string> => ({ identity_file: sshd.path("user") });
  const texts = ({ asked }: Person): readonly string[] => asked.map(({ text }) => text);

  describe.each([
    ["with PAM", WITH_PAM],
    ["without PAM", WITHOUT_PAM],
  ])("%s", (_, pam) => {
    test("by password, the second time round; a wrong one three times is the end", async () => {
      await serve(...pam, "PasswordAuthentication yes", "KbdInteractiveAuthentication no");
      const person = new Person("wrong");
      await dial(person);
      expect(texts(person)).toEqual(Array.from({ length: 2 }, () => `${sshd.user}@127.0.0.1's password: `));
      expect(person.asked.every(({ echo }) => !echo)).toBe(true);
      const hopeless = new Person("a", "b", "c");
      await expect(dial(hopeless)).rejects.toMatchObject({ code: "auth_required", kind: "unauthorized" });
      // PAM may have enough of it before we have.
      expect([2, 3]).toContain(hopeless.asked.length);
    });

    test("by nobody, where only a password would do", async () => {
      await serve(...pam, "PasswordAuthentication yes", "KbdInteractiveAuthentication no");
      await expect(dial()).rejects.toMatchObject({
        code: "auth_required",
        prompt: expect.stringContaining("nobody is there to give it"),
      });
    });

    test("by a key and then a password", async () => {
      await serve(...pam, "PasswordAuthentication yes", "AuthenticationMethods publickey,password");
      const person = new Person();
      await dial(person, key());
      expect(person.asked).toHaveLength(1);
      // The key alone is not enough, and is not offered for ever.
      await expect(dial(UNATTENDED, key())).rejects.toMatchObject({ code: "auth_required" });
    });

    test("by a password and then a key", async () => {
      await serve(...pam, "PasswordAuthentication yes", "AuthenticationMethods password,publickey");
      const person = new Person();
      await dial(person, key());
      expect(person.asked).toHaveLength(1);
    });

    test("by two keys, each of them once", async () => {
      await serve(...pam, "AuthenticationMethods publickey,publickey");
      const second = sshd.makeKey("second-user");
      const before = readFileSync(sshd.path("authorized_keys"), "utf8");
      writeFileSync(sshd.path("authorized_keys"), `${before}${readFileSync(`${second}.pub`, "utf8")}`);
      onTestFinished(() => {
        writeFileSync(sshd.path("authorized_keys"), before);
        for (const file of [second, `${second}.pub`]) execFileSync("rm", [file]);
      });
      const lines = ["IdentityAgent none", `IdentityFile ${sshd.path("user")}`, `IdentityFile ${second}`, ""];
      const both = {
        config_file: sshd.write("two_keys", lines.join("\n")),
        known_hosts: sshd.path("known_hosts"),
      };
      const context = { ...contextOf(sshd), options: both };
      const backend = await sshPlugin.open(parseDestination(sshd.destination), context);
      machines.push(await backend.dial(recordAttempt(), UNATTENDED));
      await expect(dial(UNATTENDED, key())).rejects.toMatchObject({ code: "auth_required" });
    });
  });

  test("by keyboard-interactive, though the server says something first, which nobody answers in the background", async () => {
    await serve(...WITH_PAM, "KbdInteractiveAuthentication yes", "PasswordAuthentication no");
    const person = new Person();
    await dial(person);
    expect(texts(person)).toEqual([expect.stringMatching(/password/i)]);
    await expect(dial()).rejects.toMatchObject({ code: "auth_required" });
    // After a wrong answer it asks anew.
    const clumsy = new Person("wrong");
    await dial(clumsy);
    expect(clumsy.asked).toHaveLength(2);
  });

  test("by a key and then keyboard-interactive", async () => {
    await serve(
      ...WITH_PAM,
      "KbdInteractiveAuthentication yes",
      "AuthenticationMethods publickey,keyboard-interactive",
    );
    const person = new Person();
    await dial(person, key());
    expect(person.asked).toHaveLength(1);
  });

  test("too many keys of an agent end the login, and the error says so", async () => {
    await serve(...WITHOUT_PAM, "MaxAuthTries 2");
    const socket = sshd.path("full.sock");
    const said = execFileSync("ssh-agent", ["-a", socket], { encoding: "utf8" });
    onTestFinished(() => void process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1])));
    for (const name of ["one", "two", "three"]) {
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      expect(spawnSync("ssh-add", ["-q", sshd.makeKey(name)], { env }).status).toBe(0);
    }
    sshd.write("with_agent", "");
    const options = { identity_file: "none", config_file: sshd.path("with_agent") };
    await expect(dial(UNATTENDED, options, { SSH_AUTH_SOCK: socket })).rejects.toMatchObject({
      code: "auth_required",
      kind: "unauthorized",
      prompt: expect.stringContaining("the agent's keys were refused"),
    });
  });

  test("certificates of users are not supported: the key is offered without, and the error says what was tried", async () => {
    const authority = sshd.makeKey("authority");
    const certified = sshd.makeKey("certified");
    execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "me", "-n", sshd.user, `${certified}.pub`]);
    await serve(...WITHOUT_PAM, `TrustedUserCAKeys ${authority}.pub`);
    await expect(dial(UNATTENDED, { identity_file: certified })).rejects.toMatchObject({
      code: "auth_required",
      prompt: expect.stringContaining(`the key ${certified} was refused`),
    });
    // Beside a key that the server knows by itself it does no harm.
    const socket = sshd.path("certificates.sock");
    const said = execFileSync("ssh-agent", ["-a", socket], { encoding: "utf8" });
    onTestFinished(() => void process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1])));
    for (const name of ["certified", "user"]) {
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      expect(spawnSync("ssh-add", ["-q", sshd.path(name)], { env }).status).toBe(0);
    }
    sshd.write("with_agent", "");
    const options = { identity_file: "none", config_file: sshd.path("with_agent") };
    await dial(UNATTENDED, options, { SSH_AUTH_SOCK: socket });
  });

  test("certificates of hosts are not supported: the host's own key decides, and a warning names the line", async () => {
    const authority = sshd.makeKey("host-authority");
    execFileSync("ssh-keygen", [
      "-q",
      "-s",
      authority,
      "-h",
      "-I",
      "host",
      "-n",
      "127.0.0.1",
      sshd.path("host.pub"),
    ]);
    await serve(...WITHOUT_PAM, `HostCertificate ${sshd.path("host-cert.pub")}`);
    const line = `@cert-authority [127.0.0.1]:${sshd.port} ${readFileSync(`${authority}.pub`, "utf8")}`;
    const known = readFileSync(sshd.path("known_hosts"), "utf8");
    for (const [text, code] of [
      [line, "unknown_host"],
      [`${line}${known}`, undefined],
    ] as const) {
      const options = { ...key(), known_hosts: sshd.write("authorities", text), host_key_policy: "strict" };
      const context = contextOf(sshd, options);
      const backend = await sshPlugin.open(parseDestination(sshd.destination), context);
      const dialled = backend.dial(recordAttempt(), UNATTENDED);
      if (code === undefined) machines.push(await dialled);
      else await expect(dialled).rejects.toMatchObject({ code, kind: "fatal" });
      expect(context.warnings).toEqual([expect.stringContaining(`${sshd.path("authorities")}:1`)]);
    }
  });
});
