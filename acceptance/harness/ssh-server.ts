// The real OpenSSH, both ends, with keys and settings of its own: nothing of the user's or the system's is read.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { userInfo } from "node:os";
import type { Machine } from "./command.ts";
import { findProgram, Program } from "./program.ts";
import type { Scene } from "./scene.ts";

/** What `startSshServer` needs to be installed. */
export const SSH_PROGRAMS: readonly string[] = ["sshd", "ssh", "ssh-keygen"];

/** The server is known by this name, wherever it is reached. */
const HOST_ALIAS = "holdfast-acceptance";

export interface SshServer {
  /** Where it listens on the loopback address of its machine. */
  readonly port: number;
  /** Run a command on it, reached at that address. */
  visit(host: string, port: number, command: string, options?: VisitOptions): Program;
}

interface VisitOptions {
  readonly on?: Machine;
  /** Default false. */
  readonly terminal?: boolean;
}

export async function startSshServer(scene: Scene, port: number, on?: Machine): Promise<SshServer> {
  const folder = scene.folder("ssh");
  const [hostKey, userKey] = [makeKey(folder, "host"), makeKey(folder, "user")];
  const knownHosts = scene.file("known_hosts", `${HOST_ALIAS} ${publicKey(hostKey)}`);
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${scene.file("authorized_keys", publicKey(userKey))}`,
    "AuthenticationMethods publickey",
    "PermitRootLogin prohibit-password",
    // The scene's folder is below a temporary one that others may write to.
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "PrintMotd no",
    "PrintLastLog no",
  ];
  // Its own service makes this folder when the system starts; only root's server asks for it.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const server = new Program(
    scene,
    "sshd",
    ["-D", "-e", "-f", scene.file("sshd_config", `${settings.join("\n")}\n`)],
    on,
  );
  await server.says("Server listening");
  const options = {
    HostKeyAlias: HOST_ALIAS,
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    BatchMode: "yes",
    // What holds the connection is the tunnel, not patience of its own.
    ServerAliveInterval: "0",
    TCPKeepAlive: "no",
    LogLevel: "ERROR",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return {
    port,
    visit: (host, through, command, { on: from, terminal = false } = {}) => {
      const how = ["-F", "none", terminal ? "-tt" : "-T", "-i", userKey, ...flags];
      const where = ["-p", `${through}`, "-l", userInfo().username, host];
      return new Program(scene, "ssh", [...how, ...where, command], from);
    },
  };
}

/** The path of a fresh private key. */
function makeKey(folder: string, name: string): string {
  const path = join(folder, `${name}_key`);
  execFileSync(findProgram("ssh-keygen") ?? "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  return path;
}

function publicKey(path: string): string {
  return readFileSync(`${path}.pub`, "utf8");
}
