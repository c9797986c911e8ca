// The instruments themselves, on a path without a tunnel: what they call whole is whole, what they call lost is lost.
import { connect, type Socket } from "node:net";
import { holdfastPaths, openControl } from "@holdfast/control";
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "./condition.ts";
import { Cutter } from "./cuts.ts";
import { exchange, exchangeService, upSeed } from "./exchange.ts";
import { ListSampler } from "./list-sampler.ts";
import { patternHash } from "./pattern.ts";
import { Scene } from "./scene.ts";
import { echoService, listenForScene } from "./service.ts";
import { SshRecorder } from "./ssh-recorder.ts";
import { Ticker } from "./ticker.ts";

function newScene(): Scene {
  const scene = new Scene();
  onTestFinished(() => scene.end());
  return scene;
}

async function proxyTo(scene: Scene, port: number): Promise<{ proxy: FaultyProxy; port: number }> {
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port } });
  scene.onEnd(() => proxy.close());
  return { proxy, port: "port" in proxy.endpoint ? proxy.endpoint.port : 0 };
}

describe("an exchange", () => {
  test.each([
    [0, 0],
    [5_000_003, 0],
    [0, 5_000_003],
    [3_000_000, 2_000_001],
  ])("of %i bytes down and %i up is whole", async (downBytes, upBytes) => {
    const service = await exchangeService(newScene());
    const got = await exchange(service.port, { seed: 5, downBytes, upBytes });
    expect(got).toEqual({ bytes: downBytes, hash: patternHash(5, downBytes), fate: "end" });
    const up = await until("the upload is over", () => service.uploads.get(5));
    expect(up).toEqual({ bytes: upBytes, hash: patternHash(upSeed(5), upBytes), fate: "end" });
  });

  test("that is reset in the middle is whole at neither end", async () => {
    const scene = newScene();
    const service = await exchangeService(scene);
    const { proxy, port } = await proxyTo(scene, service.port);
    const order = { seed: 6, downBytes: 50_000_000, upBytes: 50_000_000 };
    const got = await exchange(port, order, (count) => count > 1_000_000 && proxy.cut());
    expect(got.fate).toBe("ECONNRESET");
    expect(got.bytes).toBeLessThan(order.downBytes);
    const up = await until("the upload is over", () => service.uploads.get(6));
    expect(up.fate).toBe("ECONNRESET");
  });
});

describe("a cutter", () => {
  test("cuts in the middle of bytes both ways, and counts them", async () => {
    const scene = newScene();
    const service = await exchangeService(scene);
    const { proxy, port } = await proxyTo(scene, service.port);
    proxy.apply({ kind: "throttle", bytesPerSecond: 4_000_000 });
    const cutter = new Cutter(proxy, { lifeMs: 50, most: 5 });
    const cutting = cutter.run();
    const order = { seed: 7, downBytes: 50_000_000, upBytes: 50_000_000 };
    while (cutter.cuts.length < 5) await exchange(port, order);
    await cutting;
    expect(cutter.cuts).toHaveLength(5);
    for (const { upBytes, downBytes, afterMs } of cutter.cuts) {
      expect(upBytes).toBeGreaterThan(0);
      expect(downBytes).toBeGreaterThan(0);
      expect(afterMs).toBeGreaterThanOrEqual(49);
    }
    expect(proxy.acceptedCount).toBe(5);
  });

  test("does not count a link that carries one way only", async () => {
    const scene = newScene();
    const service = await exchangeService(scene);
    const { proxy, port } = await proxyTo(scene, service.port);
    const cutter = new Cutter(proxy, { lifeMs: 10, most: 1 });
    const cutting = cutter.run();
    const got = await exchange(port, { seed: 8, downBytes: 20_000_000, upBytes: 0 });
    cutter.stop();
    await cutting;
    expect([got.fate, cutter.cuts]).toEqual(["end", []]);
  });
});

describe("a ticker", () => {
  /** An echo that treats the tenth byte in its own way. */
  function badEcho(scene: Scene, treat: (socket: Socket, byte: Buffer) => void): Promise<number> {
    return listenForScene(scene, (socket) => {
      let count = 0;
      socket.on("data", (chunk: Buffer) => {
        for (const byte of chunk) {
          count += 1;
          if (count === 10) treat(socket, Buffer.of(byte));
          else socket.write(Buffer.of(byte));
        }
      });
      socket.on("end", () => socket.end());
    });
  }

  test("is content with an echo", async () => {
    const scene = newScene();
    const ticker = new Ticker(scene, await echoService(scene), { intervalMs: 2 });
    await until("some bytes are back", () => ticker.echoed > 300);
    expect(await ticker.finish()).toBe(ticker.echoed);
  });

  test.each([
    ["loses a byte", (): void => undefined],
    [
      "repeats a byte",
      (socket: Socket, byte: Buffer): void => void socket.write(Buffer.concat([byte, byte])),
    ],
    ["says another byte", (socket: Socket): void => void socket.write("?")],
  ])("notices an echo that %s", async (_, treat) => {
    const scene = newScene();
    const ticker = new Ticker(scene, await badEcho(scene, treat), { intervalMs: 2 });
    await until("it is noticed", () => ticker.wrong !== undefined);
    await expect(ticker.catchesUp()).rejects.toThrow(/came back as/);
  });

  test.each([
    ["a reset", { kind: "reset" }, "ECONNRESET"],
    ["an end", { kind: "end" }, "end"],
  ] as const)("tells %s for what it is", async (_, fault, fate) => {
    const scene = newScene();
    const { proxy, port } = await proxyTo(scene, await echoService(scene));
    const ticker = new Ticker(scene, port, { intervalMs: 2 });
    await until("an echo", () => ticker.echoed > 0);
    proxy.apply(fault);
    expect(await ticker.isOver()).toBe(fate);
  });
});

describe("a recorder of ssh clients", () => {
  /** A message as it is before the keys are in use: length, padding, number, the rest. */
  function message(number: number, bytes: number): Buffer {
    const packet = Buffer.alloc(4 + 1 + bytes);
    packet.writeUInt32BE(1 + bytes);
    packet[5] = number;
    return packet;
  }

  const HELLO = [Buffer.from("SSH-2.0-x\r\n"), message(20, 500), message(30, 40)];

  async function said(pieces: readonly Buffer[], pieceBytes: number): Promise<SshRecorder> {
    const scene = newScene();
    const recorder = await SshRecorder.start(scene, await echoService(scene));
    const client = connect(recorder.port, "127.0.0.1");
    scene.onEnd(() => void client.destroy());
    const all = Buffer.concat(pieces);
    let back = 0;
    client.on("data", (chunk: Buffer) => (back += chunk.length));
    for (let at = 0; at < all.length; at += pieceBytes) client.write(all.subarray(at, at + pieceBytes));
    await until("all has passed", () => back === all.length);
    return recorder;
  }

  test.each([1, 7, 100_000])(
    "in pieces of %i bytes: nothing is secret before the keys",
    async (pieceBytes) => {
      const { said: connections } = await said(HELLO, pieceBytes);
      expect(connections).toMatchObject([{ messages: [20, 30], secretBytes: 0 }]);
    },
  );

  test.each([1, 7, 100_000])("in pieces of %i bytes: everything is after them", async (pieceBytes) => {
    const { said: connections } = await said([...HELLO, message(21, 10), Buffer.alloc(777)], pieceBytes);
    expect(connections).toMatchObject([{ messages: [20, 30, 21], secretBytes: 777 }]);
  });
});

describe("a sampler of the list", () => {
  const TIMEOUT_MS = 5_000;

  /** A process that calls a connection connected, and says that it was heard so long ago. */
  async function sampled(heardMsAgo: () => number | undefined): Promise<ListSampler> {
    const scene = newScene();
    const { runtimeFolder } = holdfastPaths({ HOLDFAST_HOME: scene.home });
    const control = await openControl({ command: "daemon", version: "0.1.0", runtimeFolder });
    scene.onEnd(() => control.close());
    const now = new Date().toISOString();
    control.add({
      kind: "connection",
      name: "box",
      status: () => {
        const ago = heardMsAgo();
        return {
          state: "connected",
          phase: null,
          epoch: 1,
          attempt: 0,
          failures: 0,
          since: now,
          last_heard: ago === undefined ? null : new Date(Date.now() - ago).toISOString(),
          delay_ms: null,
          retry_at: null,
          draining: false,
          failure: null,
          reason: null,
          prompt: null,
          destination: "ssh://box",
          plugin: "ssh",
          liveness_timeout_ms: TIMEOUT_MS,
          kept: true,
          forwards: 0,
        };
      },
    });
    const sampler = new ListSampler(scene);
    await until("three lists", () => sampler.lists >= 3);
    return sampler;
  }

  test("is content with evidence as old as the timeout", async () => {
    const sampler = await sampled(() => TIMEOUT_MS - 200);
    expect(await sampler.stop()).toMatch(/connected rows in/);
  });

  test.each([
    ["too old", TIMEOUT_MS + 500],
    ["none", undefined],
  ])("does not let evidence pass that is %s, were it only once", async (_, heardMsAgo) => {
    let lists = 0;
    const sampler = await sampled(() => (++lists === 2 ? heardMsAgo : 0));
    await expect(sampler.stop()).rejects.toThrow(/box is called connected/);
  });

  test("that sees nobody connected has proved nothing", async () => {
    const sampler = new ListSampler(newScene());
    await until("two lists", () => sampler.lists >= 2);
    await expect(sampler.stop()).rejects.toThrow(/was connected/);
  });
});
