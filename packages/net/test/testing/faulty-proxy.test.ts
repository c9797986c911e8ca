import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { onOrderlyEnd, openSocket } from "@holdfast/net/node";
import { startFaultyProxy } from "@holdfast/net/testing";
import type { FaultyProxy, ProxiedConnection } from "@holdfast/net/testing";
import { closed, noise, readAll, serve, sha256, until } from "../node/sockets.ts";
import type { TestServer } from "../node/sockets.ts";

let server: TestServer;
let proxy: FaultyProxy;
const opened: Socket[] = [];

beforeEach(async () => {
  server = await serve();
  proxy = await startFaultyProxy({ target: server.endpoint });
});

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await proxy.close();
  await server[Symbol.asyncDispose]();
});

interface Through {
  readonly near: Socket;
  readonly far: Socket;
  readonly connection: ProxiedConnection;
}

async function through(): Promise<Through> {
  const number = proxy.acceptedCount + 1;
  const [near, far] = await Promise.all([openSocket(proxy.endpoint), server.accept()]);
  opened.push(near);
  return { near, far, connection: await proxy.accepted(number) };
}

/** Collects what comes, without an end. */
function collect(socket: Socket): { bytes: Buffer } {
  const got = { bytes: Buffer.alloc(0) };
  socket.on("data", (chunk: Buffer) => (got.bytes = Buffer.concat([got.bytes, chunk]))).resume();
  return got;
}

async function resetSeen(socket: Socket): Promise<void> {
  onOrderlyEnd(socket, () => expect.unreachable("an end, not a reset"));
  socket.resume();
  await closed(socket);
  expect((socket.errored as NodeJS.ErrnoException | null)?.code).toBe("ECONNRESET");
}

/** A reset on accept comes before or after the client's own success. */
async function resetOnAccept(): Promise<void> {
  const dial = await openSocket(proxy.endpoint).catch((error: unknown) => error);
  if (dial instanceof Socket) await resetSeen(dial);
  else expect(dial).toMatchObject({ code: "connection_reset" });
}

describe("without a fault", () => {
  it("bytes pass both ways, whole, with half close, and are counted", async () => {
    const { near, far, connection } = await through();
    const up = noise(3_000_000);
    const down = noise(2_000_000);
    near.end(up);
    expect(sha256(await readAll(far))).toBe(sha256(up));
    far.end(down);
    expect(sha256(await readAll(near))).toBe(sha256(down));
    await connection.closed;
    expect(connection.up).toEqual({ received: 3_000_000, forwarded: 3_000_000, lost: 0, inFlight: 0 });
    expect(connection.down).toMatchObject({ forwarded: 2_000_000, inFlight: 0 });
  });

  it("a reset of one side reaches the other", async () => {
    const { near, far } = await through();
    near.resetAndDestroy();
    await resetSeen(far);
  });

  it("a target that is not there resets the client", async () => {
    await server.close();
    await resetOnAccept();
  });
});

describe("refuse", () => {
  it("resets the n-th connection on accept and lets the next pass", async () => {
    proxy.plan({ connection: 1, fault: { kind: "refuse" } });
    await resetOnAccept();
    const { near, far } = await through();
    near.end("second");
    expect(String(await readAll(far))).toBe("second");
    expect(server.accepted).toHaveLength(1);
  });

  it("with the listener gone dials are refused; after heal they pass at the same address", async () => {
    const { near, far } = await through();
    const { endpoint } = proxy;
    await proxy.refuse();
    await expect(openSocket(endpoint)).rejects.toMatchObject({ code: "connection_refused" });
    near.end("the old one goes on");
    expect(String(await readAll(far))).toBe("the old one goes on");
    await proxy.heal();
    expect(proxy.endpoint).toEqual(endpoint);
    await through();
  });
});

describe("reset and end", () => {
  it("cut resets every live connection; new ones pass", async () => {
    const [one, two] = [await through(), await through()];
    expect(proxy.cut()).toEqual({ connections: 2, inFlightBytes: 0 });
    for (const { near, far } of [one, two]) await Promise.all([resetSeen(near), resetSeen(far)]);
    await through();
  });

  it("a cut counts the bytes that it took away", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "delay", ms: 60_000 });
    const got = collect(far);
    near.write(noise(10_000));
    await until(() => connection.up.received === 10_000);
    expect(connection.up.inFlight).toBe(10_000);
    expect(proxy.cut()).toEqual({ connections: 1, inFlightBytes: 10_000 });
    await connection.closed;
    expect(got.bytes).toHaveLength(0);
  });

  it("at the n-th byte of the second connection", async () => {
    proxy.plan({ connection: 2, after: { direction: "up", bytes: 1_000 }, fault: { kind: "reset" } });
    const first = await through();
    first.near.end(noise(5_000));
    expect(await readAll(first.far)).toHaveLength(5_000);
    const second = await through();
    second.near.write(noise(999));
    const got = collect(second.far);
    await until(() => got.bytes.length === 999);
    second.near.write(noise(500));
    await Promise.all([resetSeen(second.near), resetSeen(second.far)]);
    expect(got.bytes.length).toBeLessThanOrEqual(1_000);
    expect(second.connection.up.received).toBe(1_000);
  });

  it("end is orderly for both", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "end" });
    expect(await Promise.all([readAll(near), readAll(far)])).toHaveLength(2);
    near.end();
    far.end();
    await Promise.all([closed(near), closed(far), connection.closed]);
  });
});

describe("half-open", () => {
  it("exactly the bytes before it pass; both sides stay open; healing loses nothing", async () => {
    proxy.plan({ after: { direction: "up", bytes: 1_234 }, fault: { kind: "half_open" } });
    const { near, far, connection } = await through();
    const sent = noise(500_000);
    const got = collect(far);
    near.end(sent);
    await until(() => got.bytes.length === 1_234);
    far.write("unheard");
    await setTimeout(50);
    expect(got.bytes).toHaveLength(1_234);
    expect([near.bytesRead, near.destroyed, far.readableEnded]).toEqual([0, false, false]);
    await proxy.heal();
    await once(far, "end");
    expect(sha256(got.bytes)).toBe(sha256(sent));
    far.end();
    expect(String(await readAll(near))).toBe("unheard");
    await connection.closed;
  });

  it("a side that goes away behind it is not missed before heal", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "half_open" });
    near.resetAndDestroy();
    await setTimeout(50);
    expect(far.destroyed).toBe(false);
    await proxy.heal();
    await resetSeen(far);
  });
});

describe("black hole", () => {
  it("swallows one direction while the other passes; healing resets what has a hole", async () => {
    const { near, far, connection } = await through();
    proxy.blackhole("up");
    const [atFar, atNear] = [collect(far), collect(near)];
    near.write(noise(4_000));
    far.write("down still passes");
    await until(() => connection.up.lost === 4_000 && atNear.bytes.length === 17);
    expect(atFar.bytes).toHaveLength(0);
    await proxy.heal();
    await Promise.all([resetSeen(near), resetSeen(far)]);
  });

  it("strikes new connections too, until heal; one that lost nothing goes on", async () => {
    proxy.blackhole();
    const { near, far } = await through();
    await proxy.heal();
    near.end("after the storm");
    expect(String(await readAll(far))).toBe("after the storm");
  });
});

describe("delay and throttle", () => {
  it("delay brings every byte late and in order", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "delay", ms: 80, direction: "up" });
    const begun = performance.now();
    const sent = noise(400_000);
    near.end(sent);
    expect(sha256(await readAll(far))).toBe(sha256(sent));
    expect(performance.now() - begun).toBeGreaterThanOrEqual(79);
  });

  it("throttle keeps to its rate", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "throttle", bytesPerSecond: 1_000_000, direction: "up" });
    const begun = performance.now();
    const sent = noise(200_000);
    near.end(sent);
    expect(sha256(await readAll(far))).toBe(sha256(sent));
    // The time is the proxy's own floor; only slowness of the machine can add to it.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(195);
  });

  it("heal lets what is held go at once", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "delay", ms: 3_600_000 });
    near.end("late");
    await until(() => connection.up.inFlight === 4);
    await proxy.heal();
    expect(String(await readAll(far))).toBe("late");
  });
});

describe("corrupt and drop", () => {
  it("flips exactly the byte that was asked for", async () => {
    proxy.plan({
      connection: 1,
      after: { direction: "up", bytes: 70_000 },
      fault: { kind: "corrupt", direction: "up" },
    });
    const { near, far } = await through();
    const sent = noise(200_000);
    near.end(sent);
    const got = await readAll(far);
    const wrong = [...got.keys()].filter((i) => got[i] !== sent[i]);
    expect(wrong).toEqual([70_000]);
    expect(got[70_000]).toBe((sent[70_000] ?? 0) ^ 0xff);
  });

  it("drops chunks above a size and passes smaller ones", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "drop_above", bytes: 1_200 });
    const got = collect(far);
    near.write(noise(5_000));
    await until(() => connection.up.lost === 5_000);
    near.write("ping");
    await until(() => got.bytes.length === 4);
    expect(String(got.bytes)).toBe("ping");
  });

  it("stalls at the first chunk above a size, as TCP does behind a path-MTU black hole", async () => {
    const { near, far, connection } = await through();
    connection.apply({ kind: "stall_above", bytes: 1_200, direction: "up" });
    const [atFar, atNear] = [collect(far), collect(near)];
    near.write("small");
    await until(() => atFar.bytes.length === 5);
    near.write(noise(5_000));
    await until(() => connection.up.received >= 5_005);
    near.write("ping");
    far.write("pong");
    await until(() => atNear.bytes.length === 4);
    expect(atFar.bytes).toHaveLength(5);
    await proxy.heal();
    await until(() => atFar.bytes.length === 5_009);
  });
});

describe("close", () => {
  it("ends connections and frees the port", async () => {
    const { near, far } = await through();
    await proxy.close();
    near.resume();
    far.resume();
    near.end();
    far.end();
    await Promise.all([closed(near), closed(far)]);
    await using again = await serve(proxy.endpoint);
    expect(again.endpoint).toEqual(proxy.endpoint);
  });
});
