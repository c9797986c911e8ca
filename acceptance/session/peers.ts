// Programs that know nothing of tunnels, and notice nothing: OpenSSH while the network changes, iperf3 while the
// link is reset.
import assert from "node:assert/strict";
import { startNetworkLab } from "@holdfast/net/testing";
import { pause, until } from "../harness/condition.ts";
import { Program } from "../harness/program.ts";
import { startRelay } from "../harness/relay.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { needing } from "../harness/skip.ts";
import { SSH_PROGRAMS, startSshServer } from "../harness/ssh-server.ts";
import { freePort } from "../harness/sshd.ts";
import { connected, portOf } from "../harness/tunnel-state.ts";
import { assertNothingLost, startTunnel, throughProxy } from "./stage.ts";

const SSH_PORT = 2_222;
const NEW_ADDRESS = "10.99.7.33";
/** A machine that sees its addresses change need not wait for the silence of its peer, 8 s at least. */
const WITHOUT_SILENCE_MS = 5_000;
const TYPE_EVERY_MS = 100;
const END_OF_FILE = "\u0004";

/** Types a numbered line again and again, until it is told to stop. */
class LineTyper {
  typed = 0;
  readonly #shell: Program;
  readonly #timer: NodeJS.Timeout;

  constructor(scene: Scene, shell: Program) {
    this.#shell = shell;
    this.#timer = setInterval(() => this.#shell.say(`line ${this.typed++}\n`), TYPE_EVERY_MS);
    scene.onEnd(() => clearInterval(this.#timer));
  }

  /** A line that was typed after now is back. */
  async goesOn(deadlineMs?: number): Promise<void> {
    const next = this.typed;
    await until(`line ${next} is back`, () => this.#shell.stdout.includes(`line ${next}\r\n`), deadlineMs);
  }

  /** Stop, wait for the end, and make sure that every line came back once and in order. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    this.#shell.say(END_OF_FILE);
    assert.equal(await this.#shell.exits(), 0, this.#shell.stderr);
    const all = Array.from({ length: this.typed }, (_, number) => `line ${number}\r\n`).join("");
    assert.equal(this.#shell.stdout.replace(/^ready\r\n/, ""), all);
  }
}

async function roamingShell(scene: Scene): Promise<string> {
  const lab = await startNetworkLab();
  scene.onEnd(() => lab.close());
  const { near, far } = lab;
  const secret = ["--secret-file", scene.file("secret", "between the two of us")];
  const env = { HOLDFAST_HOME: scene.anotherHome("relay") };
  const relay = await startRelay(scene, { args: ["--bind", far.address, ...secret], env, on: far });
  const server = await startSshServer(scene, SSH_PORT, near);
  const tunnel = await startTunnel(scene, {
    relay: `holdfast://${far.address}:${relay.nativePort}`,
    target: `127.0.0.1:${server.port}`,
    args: secret,
    on: near,
  });
  const shell = server.visit(far.address, tunnel.port, "stty -echo; echo ready; exec cat", {
    on: far,
    terminal: true,
  });
  await shell.says("ready");
  const typer = new LineTyper(scene, shell);
  await typer.goesOn();
  const typedBefore = typer.typed;
  await lab.removeAddress();
  // Between two networks there is none for a moment, as when a laptop is carried from one to the other.
  await pause(1_000);
  await lab.addAddress(NEW_ADDRESS);
  const movedAt = performance.now();
  const back = await connected(tunnel.command, 2);
  assert.equal(portOf(back), tunnel.port);
  await typer.goesOn();
  const afterMs = performance.now() - movedAt;
  assert.ok(afterMs <= WITHOUT_SILENCE_MS, `the shell went on only ${afterMs} ms after the new address`);
  const typedMeanwhile = typer.typed - typedBefore;
  await typer.finish();
  const resumed = assertNothingLost(tunnel.command);
  assert.ok(resumed >= 1, "the shell's stream did not go on");
  return (
    `${near.address} became ${NEW_ADDRESS}: the shell went on ${afterMs.toFixed(0)} ms later, ${typer.typed} lines ` +
    `(${typedMeanwhile} meanwhile) each back once and in order, over TLS, exit 0`
  );
}

const IPERF_SECONDS = 5;
const IPERF_BYTES_PER_SECOND = 30_000_000;
const CUT_AFTER_BYTES = 20_000_000;

interface IperfReport {
  readonly error?: string;
  readonly end: {
    readonly sum_sent: { readonly bytes: number };
    readonly sum_received: { readonly bytes: number };
  };
}

async function measuredThroughReset(scene: Scene, direction: "up" | "down"): Promise<string> {
  const port = await freePort();
  const server = new Program(scene, "iperf3", [
    "-s",
    "-1",
    "--forceflush",
    "--bind",
    "127.0.0.1",
    "-p",
    `${port}`,
  ]);
  await server.says("Server listening");
  const tunnel = await throughProxy(scene, port);
  tunnel.proxy.apply({ kind: "throttle", bytesPerSecond: IPERF_BYTES_PER_SECOND });
  const reverse = direction === "up" ? ["-R"] : [];
  const args = ["-c", "127.0.0.1", "-p", `${tunnel.port}`, "-t", `${IPERF_SECONDS}`, "-J", ...reverse];
  const client = new Program(scene, "iperf3", args);
  const link = tunnel.proxy.connections[0];
  assert.ok(link !== undefined);
  await until("bytes are under way", () => link[direction].forwarded > CUT_AFTER_BYTES);
  const inFlight = link[direction].inFlight;
  assert.ok(inFlight > 0, "nothing was in flight");
  link.apply({ kind: "reset" });
  await connected(tunnel.command, 2);
  assert.equal(client.exitCode, undefined, "it was over before the link was back");
  const code = await client.exits(60_000);
  const { error, end } = JSON.parse(client.stdout) as IperfReport;
  assert.equal(code, 0, error);
  assert.ok(
    end.sum_sent.bytes > CUT_AFTER_BYTES && end.sum_received.bytes > CUT_AFTER_BYTES,
    JSON.stringify(end),
  );
  assert.equal(await server.exits(), 0, server.stderr);
  assertNothingLost(tunnel.command);
  return `${direction} ${(end.sum_received.bytes / 1e6).toFixed(0)} MB, ${(inFlight / 1_024).toFixed(0)} KiB in flight at the cut`;
}

export const peers: readonly Act[] = [
  {
    name: "ssh while the client's address changes",
    play: (scene) => needing({ programs: SSH_PROGRAMS, lab: true }, () => roamingShell(scene)),
  },
  {
    name: "iperf3 through a reset of the link",
    play: (scene) =>
      needing({ programs: ["iperf3"] }, async () => {
        const down = await measuredThroughReset(scene, "down");
        return `exit 0, epoch 2: ${down}; ${await measuredThroughReset(scene, "up")}`;
      }),
  },
];
