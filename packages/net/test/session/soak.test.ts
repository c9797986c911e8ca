// A tunnel under everything that a network does to it, over real sockets and a proxy that misbehaves: nothing is lost,
// nothing is repeated, and the session stays the same.
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Dice } from "@holdfast/core/testing";
import { onOrderlyEnd, openSocket } from "@holdfast/net/node";
import { startFaultyProxy, type Fault, type FaultyProxy } from "@holdfast/net/testing";
import { hastyClock } from "../../src/compliance/hasty-clock.ts";
import { closed, noise, serve, sha256 } from "../node/sockets.ts";
import { smallTunnel, type SmallTunnel } from "./small-tunnel.ts";

const SEED = Number(process.env["HOLDFAST_SEED"] ?? 1);
const ROUNDS = 16;
/** So many times faster goes the client's time. */
const HASTE = 20;

/** How the link is struck; `undefined` is a cut. */
const FAULTS: readonly (Fault | undefined)[] = [
  undefined,
  { kind: "end" },
  { kind: "half_open" },
  { kind: "half_open", direction: "up" },
  { kind: "black_hole" },
  { kind: "black_hole", direction: "down" },
  { kind: "stall_above", bytes: 1_200 },
  { kind: "stall_above", bytes: 1_200, direction: "up" },
];

it(`loses nothing under ${ROUNDS} faults of every kind (seed ${SEED})`, async () => {
  const dice = Dice.seeded(SEED);
  await using server = await serve();
  void answer(server);
  const proxies: FaultyProxy[] = [];
  await using tunnel = await smallTunnel({
    target: server.endpoint,
    clock: hastyClock(HASTE),
    haste: HASTE,
    limits: { noProgressMs: 1_500 * HASTE },
    async through(relay) {
      proxies.push(await startFaultyProxy({ target: relay }));
      return proxies[0]!.endpoint;
    },
  });
  const proxy = proxies[0]!;
  let striking = true;
  let visits = 0;
  const visitors = Array.from({ length: 8 }, async () => {
    while (striking) {
      await visit(tunnel, noise(Math.floor(dice.random() ** 4 * 3_000_000)));
      visits += 1;
    }
  });
  const failed = Promise.all(visitors);
  const id = tunnel.line.session?.id;
  for (let round = 0; round < ROUNDS; round++) {
    const fault = FAULTS[round % FAULTS.length];
    await Promise.race([strike(tunnel, proxy, fault, dice), failed]);
  }
  striking = false;
  await failed;
  await until(() => tunnel.atRelay.length === visits && tunnel.atClient.length === visits);
  for (const { error } of [...tunnel.atRelay, ...tunnel.atClient]) expect(error).toBeUndefined();
  expect(tunnel.line.session?.id).toBe(id);
  expect(tunnel.host.size).toBe(1);
  expect(tunnel.line.line.status.epoch).toBeGreaterThan(ROUNDS);
  await proxy.close();
}, 180_000);

/** Break the present link in one way, in the middle of its bytes, and wait until the next one carries. */
async function strike(
  { line }: SmallTunnel,
  proxy: FaultyProxy,
  fault: Fault | undefined,
  dice: Dice,
): Promise<void> {
  const session = line.session!;
  const moved = (): number => session.figures.sentBytes + session.figures.receivedBytes;
  const enough = moved() + 10_000 + Math.floor(dice.random() * 300_000);
  await until(() => moved() >= enough && line.line.status.state === "connected");
  const { epoch } = line.line.status;
  const link = proxy.connections.at(-1);
  if (fault === undefined) proxy.cut();
  else link?.apply(fault);
  await until(() => line.line.status.epoch > epoch);
  link?.heal();
}

/** Without keeping the machine busy; the test's own timeout is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

/** The target sends everything back. */
async function answer(server: Awaited<ReturnType<typeof serve>>): Promise<void> {
  for (;;) {
    const socket = await server.accept();
    onOrderlyEnd(socket, () => socket.end());
    socket.on("data", (bytes) => {
      if (!socket.write(bytes, () => socket.resume())) socket.pause();
    });
    socket.resume();
  }
}

async function visit(tunnel: SmallTunnel, bytes: Buffer): Promise<void> {
  const socket = await openSocket(tunnel.endpoint);
  const sending = send(socket, bytes);
  const came: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) came.push(chunk as Buffer);
  await sending;
  expect(sha256(Buffer.concat(came))).toBe(sha256(bytes));
  await closed(socket);
}

async function send(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 50_001) {
    if (!socket.write(bytes.subarray(at, at + 50_001))) await once(socket, "drain");
  }
  socket.end();
}
