// The real OpenSSH, both ends, with keys and settings of its own: nothing of the user's or the system's is read.
import type { Machine } from "./command.ts";
import { Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { Sshd, SSHD_PROGRAMS } from "./sshd.ts";

/** What `startSshServer` needs to be installed. */
export const SSH_PROGRAMS: readonly string[] = [...SSHD_PROGRAMS, "ssh"];

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
  const server = await Sshd.start(scene, { port, on });
  const options = {
    HostKeyAlias: HOST_ALIAS,
    UserKnownHostsFile: scene.file("aliased_hosts", `${HOST_ALIAS} ${server.publicHostKey}\n`),
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
      const how = ["-F", "none", terminal ? "-tt" : "-T", "-i", server.identityFile, ...flags];
      const where = ["-p", `${through}`, "-l", server.user, host];
      return new Program(scene, "ssh", [...how, ...where, command], from);
    },
  };
}
