// A real sshd of the test's own, with keys and settings of its own: nothing of the user's or the system's is read.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { PluginContext } from "../../packages/remote/src/index.ts";
import { freePort, until } from "../../packages/tunnel/test/sockets.ts";

/** sshd wants to be called by its whole path. */
const SSHD = "/usr/sbin/sshd";

export class PrivateSshd {
  readonly folder: string = mkdtempSync(join(tmpdir(), "holdfast-sshd-"));
  readonly port: number;
  readonly user: string = userInfo().username;
  #child: ChildProcess | undefined;
  #log = "";

  private constructor(port: number) {
    this.port = port;
  }

  static async start(settings: readonly string[] = []): Promise<PrivateSshd> {
    const sshd = new PrivateSshd(await freePort());
    sshd.makeKey("host");
    sshd.makeKey("user");
    sshd.write("authorized_keys", readFileSync(sshd.path("user.pub"), "utf8"));
    sshd.write("known_hosts", `[127.0.0.1]:${sshd.port} ${readFileSync(sshd.path("host.pub"), "utf8")}`);
    sshd.write("ssh_config", "IdentityAgent none\n");
    sshd.configure(settings);
    // Its own service makes this folder when the system starts; only root's server asks for it.
    if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    await sshd.run();
    return sshd;
  }

  get log(): string {
    return this.#log;
  }

  /** The first setting of a name holds, so these come before the usual ones. */
  configure(settings: readonly string[], hostKey = "host"): void {
    const all = [
      ...settings,
      `Port ${this.port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${this.path(hostKey)}`,
      `AuthorizedKeysFile ${this.path("authorized_keys")}`,
      "PermitRootLogin yes",
      "PasswordAuthentication no",
      "StrictModes no",
      "UsePAM no",
      "PidFile none",
      "PrintMotd no",
      "MaxStartups 200",
      "MaxSessions 200",
      "Subsystem sftp internal-sftp",
    ];
    this.write("sshd_config", `${all.join("\n")}\n`);
  }

  async run(): Promise<void> {
    this.#log = "";
    const child = spawn(SSHD, ["-D", "-e", "-f", this.path("sshd_config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr.on("data", (chunk: Buffer) => (this.#log += chunk.toString()));
    this.#child = child;
    await until(`sshd listens; it says ${this.#log}`, () => this.#log.includes("Server listening"));
  }

  /** The processes that serve one connection each. */
  get children(): readonly number[] {
    try {
      const listed = execFileSync("pgrep", ["-P", String(this.#child?.pid)], { encoding: "utf8" });
      return listed.trim().split("\n").map(Number);
    } catch {
      // It says so when there is none.
      return [];
    }
  }

  /** To each connection's process, and the one without privileges below it. */
  signalConnections(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    for (const pid of this.children) {
      try {
        process.kill(pid, signal);
      } catch {
        // It went by itself in between.
      }
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await until("sshd is gone", () => child.signalCode !== null || child.exitCode !== null);
  }

  async end(): Promise<void> {
    this.signalConnections("SIGCONT");
    this.signalConnections("SIGKILL");
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string): string {
    writeFileSync(this.path(name), content, { mode: 0o600 });
    return this.path(name);
  }

  makeKey(name: string, passphrase = "", type = "ed25519"): string {
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-f", this.path(name)]);
    return this.path(name);
  }

  /** The options of a connection that nobody has to answer for. */
  get options(): Record<string, string> {
    return {
      config_file: this.path("ssh_config"),
      known_hosts: this.path("known_hosts"),
      identity_file: this.path("user"),
    };
  }

  get destination(): string {
    return `ssh://${this.user}@127.0.0.1:${this.port}`;
  }
}

/** A context that keeps what is warned of. */
export function contextOf(
  sshd: PrivateSshd,
  options: Record<string, string> = {},
): PluginContext & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return {
    connectionId: "1",
    environment: {},
    options: { ...sshd.options, ...options },
    memory: new Map(),
    wake: () => undefined,
    warn: (text) => warnings.push(text),
    warnings,
  };
}
