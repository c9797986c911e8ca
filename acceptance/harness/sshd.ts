// A real sshd of the scene's own, with keys and settings of its own: nothing of the user's or the system's is read.
// Its connections can be killed, it can be stopped, and it can come back with another host key.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Machine } from "./command.ts";
import { findProgram, Program } from "./program.ts";
import type { Scene } from "./scene.ts";

/** What `Sshd` needs to be installed. */
export const SSHD_PROGRAMS: readonly string[] = ["sshd", "ssh-keygen"];

export interface SshdOptions {
  /** Default: any free one of this machine. */
  readonly port?: number;
  /** Default: loopback. */
  readonly address?: string;
  readonly on?: Machine | undefined;
  /** Lines of sshd_config; they come before the usual ones, and the first setting of a name holds. */
  readonly settings?: readonly string[];
}

export class Sshd {
  readonly address: string;
  readonly port: number;
  readonly user: string = userInfo().username;
  readonly #scene: Scene;
  readonly #on: Machine | undefined;
  readonly #settings: readonly string[];
  readonly #folder: string;
  #server: Program | undefined;

  private constructor(scene: Scene, port: number, { address = "127.0.0.1", on, settings = [] }: SshdOptions) {
    this.#scene = scene;
    this.#on = on;
    this.#settings = settings;
    this.address = address;
    this.port = port;
    this.#folder = scene.folder(`sshd-${address}-${port}`);
  }

  /** It listens. */
  static async start(scene: Scene, options: SshdOptions = {}): Promise<Sshd> {
    const sshd = new Sshd(scene, options.port ?? (await freePort()), options);
    for (const name of ["host", "user"]) sshd.#makeKey(name);
    // Its own service makes this folder when the system starts; only root's server asks for it.
    if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    await sshd.run();
    return sshd;
  }

  /** The private key of the user who may log in. */
  get identityFile(): string {
    return join(this.#folder, "user");
  }

  get publicHostKey(): string {
    return readFileSync(join(this.#folder, "host.pub"), "utf8").trim();
  }

  get destination(): string {
    return `ssh://${this.user}@${this.address}:${this.port}`;
  }

  /** Everything that it said since it was started last. */
  get log(): string {
    return this.#server?.stderr ?? "";
  }

  /** Start it, after `stop`. */
  async run(): Promise<void> {
    const { uid } = userInfo();
    const path = (name: string): string => join(this.#folder, name);
    const settings = [
      ...this.#settings,
      `Port ${this.port}`,
      `ListenAddress ${this.address}`,
      `HostKey ${path("host")}`,
      `AuthorizedKeysFile ${path("user.pub")}`,
      "AuthenticationMethods publickey",
      `PermitRootLogin ${uid === 0 ? "prohibit-password" : "no"}`,
      // The scene's folder is below a temporary one that others may write to.
      "StrictModes no",
      "UsePAM no",
      "PidFile none",
      "PrintMotd no",
      "PrintLastLog no",
      // Many connections that come back at once are what is tested.
      "MaxStartups 200",
      "Subsystem sftp internal-sftp",
    ];
    const file = this.#scene.file(
      `sshd-${this.address}-${this.port}/sshd_config`,
      `${settings.join("\n")}\n`,
    );
    this.#server = new Program(this.#scene, "sshd", ["-D", "-e", "-f", file], this.#on);
    this.#scene.onEnd(() => this.stop());
    await this.#server.says("Server listening");
  }

  /** It is gone, and so are its connections. */
  async stop(): Promise<void> {
    const connections = this.#connections;
    const gone = this.#server?.kill();
    // They hold its output, too.
    for (const pid of connections) killed(pid);
    await gone;
  }

  /** Kill the process of each connection, as an administrator would. Gives how many there were. */
  killConnections(): number {
    return this.#connections.filter((pid) => killed(pid)).length;
  }

  /** The processes that serve a connection each. */
  get #connections(): number[] {
    if (this.#server === undefined || this.#server.exitCode !== undefined) return [];
    return childrenOf(this.#server.pid);
  }

  /** What `connect` has to be told, so that nothing of the user's own is read. */
  flags(knownHosts: string): string[] {
    const config = this.#scene.file("ssh_config", "IdentityAgent none\n");
    return ["-F", config, "-i", this.identityFile, "--known-hosts", knownHosts];
  }

  #makeKey(name: string): void {
    const path = join(this.#folder, name);
    execFileSync(findProgram("ssh-keygen") ?? "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  }
}

/** A known_hosts file in which these hosts have the keys that they have now. */
export function knownHosts(scene: Scene, ...hosts: readonly Sshd[]): string {
  const path = scene.file("known_hosts", "");
  for (const { address, port, publicHostKey } of hosts)
    appendFileSync(path, `[${address}]:${port} ${publicHostKey}\n`);
  return path;
}

function childrenOf(pid: number): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return listed.split(" ").filter(Boolean).map(Number);
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    // It went by itself in between.
    return false;
  }
}

/** One that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
