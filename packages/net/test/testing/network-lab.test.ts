import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { networkLabAvailable, startNetworkLab } from "@holdfast/net/testing";
import type { LabMachine, NetworkLab } from "@holdfast/net/testing";

const available = await networkLabAvailable();
if (available !== true) process.stderr.write(`network labs: skipped, ${available}\n`);

const ECHO_SERVER = `
  import { createServer } from "node:net";
  createServer((socket) => socket.on("error", () => undefined).pipe(socket)).listen(7000, "0.0.0.0", () => console.log("ready"));
`;

/** Sends as many bytes as each line of stdin says, and prints how many have come back in all. */
const CLIENT = `
  import { createInterface } from "node:readline";
  import { openSocket, systemWakes } from "@holdfast/net/node";
  systemWakes()((reason) => console.log("wake " + reason));
  const socket = await openSocket({ host: process.argv[1], port: 7000 });
  let got = 0;
  socket.on("data", (chunk) => console.log("got " + (got += chunk.length))).resume();
  createInterface({ input: process.stdin }).on("line", (line) => socket.write(Buffer.alloc(Number(line))));
  console.log("connected");
`;

interface Program {
  readonly lines: string[];
  say(line: string): void;
  /** The line, when it has come. */
  heard(line: string): Promise<void>;
}

function start(machine: LabMachine, code: string, ...args: string[]): Program {
  const child: ChildProcess = machine.spawn(
    process.execPath,
    ["--input-type=module", "--eval", code, ...args],
    {
      stdio: ["pipe", "pipe", "inherit"],
      cwd: fileURLToPath(new URL(".", import.meta.url)),
    },
  );
  const lines: string[] = [];
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return {
    lines,
    say: (line) => void child.stdin?.write(`${line}\n`),
    async heard(line) {
      while (!lines.includes(line)) await setTimeout(5);
    },
  };
}

describe.skipIf(available !== true)("a network lab", () => {
  let lab: NetworkLab;
  let client: Program;

  beforeAll(async () => {
    lab = await startNetworkLab();
    await start(lab.far, ECHO_SERVER).heard("ready");
    client = start(lab.near, CLIENT, lab.far.address);
    await client.heard("connected");
  });

  afterAll(() => lab.close());

  /** So many changes of addresses have been noticed: it looks once per second. */
  async function wakes(count: number): Promise<void> {
    while (client.lines.filter((line) => line === "wake network").length < count) await setTimeout(5);
  }

  it("carries bytes between its machines", async () => {
    client.say("5000");
    await client.heard("got 5000");
  });

  it("a path-MTU black hole passes small packets and swallows large ones until it is healed", async () => {
    await lab.dropAbove(1_000);
    client.say("100");
    await client.heard("got 5100");
    client.say("4900");
    // What does not come cannot be waited for; the control is that it comes after heal.
    await setTimeout(300);
    expect(client.lines).not.toContain("got 10000");
    await lab.heal();
    await client.heard("got 10000");
  });

  it("drop swallows everything while both links stay up", async () => {
    await lab.drop();
    const before = client.lines.length;
    client.say("100");
    await setTimeout(300);
    expect(client.lines.slice(before)).toEqual([]);
    await lab.heal();
    await client.heard("got 10100");
  });

  it("cut takes the link away, which the machine notices, and heal brings the bytes", async () => {
    await lab.cut();
    await client.heard("wake network");
    client.say("900");
    await setTimeout(200);
    expect(client.lines).not.toContain("got 11000");
    await lab.heal();
    await client.heard("got 11000");
    await wakes(2);
  });

  it("an address that leaves and comes back is noticed", async () => {
    await lab.removeAddress();
    await wakes(3);
    await lab.addAddress();
    await wakes(4);
    client.say("1");
    await client.heard("got 11001");
  });
});
