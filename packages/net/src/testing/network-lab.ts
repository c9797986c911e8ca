// Two machines and a cable, on one Linux machine: network namespaces joined by a veth pair. Here a cut is a real
// cut: no process sees an end or a reset, addresses go away, timers of the kernel run. Needs root and `ip`.
import { execFile, spawn } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

const run = promisify(execFile);

/** One of the two machines. */
export interface LabMachine {
  /** The name of its namespace. */
  readonly namespace: string;
  /** Its IPv4 address, by which the other one reaches it. */
  readonly address: string;
  /** Start a program on it. What still runs when the lab is closed is killed. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
}

export interface NetworkLab {
  readonly near: LabMachine;
  readonly far: LabMachine;
  /** Pull the cable: both machines see that their link is down. */
  cut(): Promise<void>;
  /** Let packets vanish without anybody noticing: links stay up. */
  drop(): Promise<void>;
  /**
   * Let packets from near to far vanish if they are larger (IP length, in bytes; at least 68): a path-MTU black
   * hole. Connections that exist by then do not know of it; new ones agree on smaller packets.
   */
  dropAbove(bytes: number): Promise<void>;
  /** Take the address from the near machine, as roaming does. */
  removeAddress(): Promise<void>;
  /** Give the near machine an address (default: its old one, without which the far one does not reach it). */
  addAddress(address?: string): Promise<void>;
  /** Undo `cut`, `drop` and `dropAbove`. */
  heal(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const NEAR = "10.99.7.1";
const FAR = "10.99.7.2";
/** No interface has it, so packets to it are dropped where they arrive. */
const NOBODYS_MAC = "02:00:00:00:00:99";
const ETHERNET_MTU = 1_500;

let labs = 0;

/** Whether labs can be made here; otherwise why not. */
export async function networkLabAvailable(): Promise<true | string> {
  if (process.platform !== "linux") return "network namespaces exist on Linux only";
  const name = `hfprobe${process.pid}`;
  try {
    await run("ip", ["netns", "add", name]);
    await run("ip", ["netns", "delete", name]);
    return true;
  } catch (error) {
    return `network namespaces cannot be made here: ${firstLine(error)}`;
  }
}

/** Build one. Every lab uses the same addresses: they are of its own namespaces. */
export async function startNetworkLab(): Promise<NetworkLab> {
  const id = `hf${process.pid}x${++labs}`;
  const near = new Machine(`${id}a`, NEAR);
  const far = new Machine(`${id}b`, FAR);
  const lab = new Lab(near, far);
  try {
    await near.create();
    await far.create();
    await near.plugInto(far);
    await near.bringUp();
    await far.bringUp();
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** Namespace and network device have the same name. */
class Machine implements LabMachine {
  readonly namespace: string;
  readonly address: string;
  readonly #children = new Set<ChildProcess>();

  constructor(name: string, address: string) {
    this.namespace = name;
    this.address = address;
  }

  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    // `ip netns exec` becomes the program, so the child's pid is the program's.
    const child = spawn("ip", ["netns", "exec", this.namespace, command, ...args], options);
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  async create(): Promise<void> {
    await run("ip", ["netns", "add", this.namespace]);
  }

  /** A veth pair, one end on each machine. */
  async plugInto(other: Machine): Promise<void> {
    const peer = ["peer", "name", other.namespace, "netns", other.namespace];
    await this.ip("link", "add", this.namespace, "type", "veth", ...peer);
  }

  async bringUp(): Promise<void> {
    await this.ip("link", "set", "lo", "up");
    await this.ip("addr", "add", `${this.address}/24`, "dev", this.namespace);
    // Large sends would cross the cable in one piece, whatever its MTU.
    await this.ip("link", "set", this.namespace, "gso_max_segs", "1");
    await this.ip("link", "set", this.namespace, "up");
  }

  async ip(...args: readonly string[]): Promise<void> {
    await run("ip", ["-n", this.namespace, ...args]);
  }

  async destroy(): Promise<void> {
    for (const child of this.#children) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    await run("ip", ["netns", "delete", this.namespace]).catch(() => undefined);
  }
}

class Lab implements NetworkLab {
  readonly near: Machine;
  readonly far: Machine;

  constructor(near: Machine, far: Machine) {
    this.near = near;
    this.far = far;
  }

  async cut(): Promise<void> {
    await this.near.ip("link", "set", this.near.namespace, "down");
  }

  async drop(): Promise<void> {
    await misdirect(this.near, this.far);
    await misdirect(this.far, this.near);
  }

  async dropAbove(bytes: number): Promise<void> {
    await setMtu(this.far, bytes);
  }

  async removeAddress(): Promise<void> {
    await this.near.ip("addr", "flush", "dev", this.near.namespace);
  }

  async addAddress(address: string = this.near.address): Promise<void> {
    await this.near.ip("addr", "add", `${address}/24`, "dev", this.near.namespace);
  }

  async heal(): Promise<void> {
    await this.near.ip("link", "set", this.near.namespace, "up");
    await setMtu(this.far, ETHERNET_MTU);
    // Gone already if the link was down in between.
    await forget(this.near, this.far);
    await forget(this.far, this.near);
  }

  async close(): Promise<void> {
    await this.near.destroy();
    await this.far.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function misdirect(from: Machine, to: Machine): Promise<void> {
  const entry = [to.address, "lladdr", NOBODYS_MAC, "dev", from.namespace, "nud", "permanent"];
  await from.ip("neigh", "replace", ...entry);
}

async function forget(from: Machine, to: Machine): Promise<void> {
  await from.ip("neigh", "del", to.address, "dev", from.namespace).catch(() => undefined);
}

async function setMtu(machine: Machine, bytes: number): Promise<void> {
  await machine.ip("link", "set", machine.namespace, "mtu", String(bytes));
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  return (stderr || message || String(error)).split("\n")[0] ?? "";
}
