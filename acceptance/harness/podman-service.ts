// A real podman of the test's own: its storage, state and configuration in a temporary folder, one image made of this
// machine's busybox and perl, and its service on a socket, which can be killed, stopped and started again.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { until } from "./condition.ts";

/** Without CAP_SYS_RESOURCE and a whole cgroup tree, podman starts containers only with these. */
const CONFIGURATION = `
[containers]
default_ulimits = ["nofile=1024:1024","nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 10
`;

export const IMAGE = "localhost/holdfast-test:latest";
/** The same without a shell: one static program that does nothing. */
export const BARE_IMAGE = "localhost/holdfast-bare:latest";

export class PodmanService {
  readonly folder: string = mkdtempSync(join(tmpdir(), "holdfast-podman-"));
  readonly socket: string = join(this.folder, "podman.sock");
  #service: ChildProcess | undefined;
  #gone = true;

  constructor() {
    writeFileSync(join(this.folder, "containers.conf"), CONFIGURATION);
    mkdirSync(join(this.folder, "root"));
    fillRoot(join(this.folder, "root"));
    this.#import(IMAGE, "root", 'CMD ["/bin/sleep","1000000"]');
    mkdirSync(join(this.folder, "bare", "bin"), { recursive: true });
    mkdirSync(join(this.folder, "bare", "tmp"));
    cpSync("/usr/bin/busybox", join(this.folder, "bare", "bin", "sleep"));
    cpSync("/usr/bin/busybox", join(this.folder, "bare", "bin", "echo"));
    this.#import(BARE_IMAGE, "bare", 'CMD ["/bin/sleep","1000000"]');
  }

  /** Run podman beside its service. Gives what it prints. */
  podman(...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync("podman", this.#args(args), {
      encoding: "utf8",
      env: this.#environment(),
      timeout: 60_000,
    });
    if (status !== 0) throw new Error(`podman ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  /** Start the service, and wait until it answers. */
  async start(): Promise<void> {
    if (!this.#gone) return;
    const args = this.#args(["system", "service", "--time=0", `unix://${this.socket}`]);
    const service = spawn("podman", args, { stdio: "ignore", env: this.#environment() });
    this.#service = service;
    this.#gone = false;
    service.once("close", () => (this.#gone = true));
    await until("podman's service listens", () => this.#gone || this.#answers());
    if (this.#gone) throw new Error("podman's service ended at once");
  }

  /** As a crash would end it: the containers, and what runs in them, stay. */
  async kill(): Promise<void> {
    this.#service?.kill("SIGKILL");
    await until("podman's service is gone", () => this.#gone);
    rmSync(this.socket, { force: true });
  }

  /** It holds its connections, and answers nothing. */
  freeze(): void {
    this.#service?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#service?.kill("SIGCONT");
  }

  /** A container that runs. Its name is given back. */
  container(name: string, image: string = IMAGE): string {
    this.podman("run", "--detach", "--network=host", "--name", name, image);
    return name;
  }

  /** Tried again where podman was too quick for a process that just ends. */
  async removeAll(): Promise<void> {
    await until("all containers are removed", () => {
      try {
        this.podman("rm", "--all", "--force", "--time", "0");
        return true;
      } catch {
        // A monitor that hangs in a write to a terminal that nobody reads holds its process, too.
        this.#killMonitors();
        return false;
      }
    });
  }

  async end(): Promise<void> {
    this.thaw();
    await this.kill();
    await this.removeAll();
    this.#killMonitors();
    spawnSync("podman", this.#args(["unmount", "--all"]), { env: this.#environment(), timeout: 30_000 });
    // Its storage is a mount of its own, which a removal would enter.
    spawnSync("umount", [join(this.folder, "store", "overlay")], { timeout: 10_000 });
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Each exec's monitor stays for a while, in case that somebody asks how it ended. */
  #killMonitors(): void {
    const pattern = `conmon.*${this.folder}`;
    const monitors = spawnSync("pgrep", ["--full", pattern], { encoding: "utf8" }).stdout.split("\n");
    for (const pid of monitors) if (pid !== "") spawnSync("kill", ["-KILL", pid]);
  }

  #answers(): boolean {
    const url = "http://podman/_ping";
    const asked = spawnSync("curl", ["--silent", "--unix-socket", this.socket, url], { timeout: 2_000 });
    return asked.status === 0;
  }

  #import(image: string, root: string, change: string): void {
    const tar = join(this.folder, `${root}.tar`);
    spawnSync("tar", ["-C", join(this.folder, root), "-cf", tar, "."]);
    this.podman("import", "--change", change, tar, image);
  }

  #args(args: readonly string[]): readonly string[] {
    const at = (name: string): string => join(this.folder, name);
    return ["--root", at("store"), "--runroot", at("run"), "--tmpdir", at("state"), ...args];
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env["PATH"],
      HOME: this.folder,
      CONTAINERS_CONF: join(this.folder, "containers.conf"),
    };
  }
}

/** busybox under all its names, and perl with what it is linked to. */
function fillRoot(root: string): void {
  for (const folder of ["bin", "etc", "tmp", "root", "usr/bin"])
    mkdirSync(join(root, folder), { recursive: true });
  cpSync("/usr/bin/busybox", join(root, "bin", "busybox"));
  const names = spawnSync("/usr/bin/busybox", ["--list"], { encoding: "utf8" }).stdout.split("\n");
  for (const name of names)
    if (name !== "" && name !== "busybox") symlinkSync("busybox", join(root, "bin", name));
  writeFileSync(join(root, "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  const linked = spawnSync("ldd", ["/usr/bin/perl"], { encoding: "utf8" }).stdout.match(/\/\S+/g) ?? [];
  for (const file of ["/usr/bin/perl", ...linked]) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(file, join(root, file), { dereference: true });
  }
  const modules = "/usr/lib/x86_64-linux-gnu/perl-base";
  const arm = "/usr/lib/aarch64-linux-gnu/perl-base";
  const base = existsSync(modules) ? modules : arm;
  cpSync(base, join(root, base), { recursive: true, dereference: true });
}
