import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { onOrderlyEnd, openSocket, resetSocket, splice } from "@holdfast/net/node";
import type { SpliceResult } from "@holdfast/net/node";
import { closed, noise, pair, readAll, serve, sha256, until } from "./sockets.ts";
import type { TestServer } from "./sockets.ts";

interface Spliced {
  readonly visitor: Socket;
  readonly service: Socket;
  readonly result: Promise<SpliceResult>;
}

/** visitor <-> [relay: a, b] <-> service */
async function spliced(front: TestServer, back: TestServer): Promise<Spliced> {
  const [visitor, a] = await pair(front);
  const [b, service] = await pair(back);
  return { visitor, service, result: splice(a, b) };
}

describe("splice", () => {
  it("carries both ways, ends one direction at a time, and counts", async () => {
    await using front = await serve();
    await using back = await serve();
    const { visitor, service, result } = await spliced(front, back);
    visitor.end("request");
    expect(String(await readAll(service))).toBe("request");
    service.end("a longer answer");
    expect(String(await readAll(visitor))).toBe("a longer answer");
    expect(await result).toEqual({ bytesAToB: 7, bytesBToA: 15, error: undefined });
  });

  it("a reset on one side resets the other and is reported", async () => {
    await using front = await serve();
    await using back = await serve();
    const { visitor, service, result } = await spliced(front, back);
    service.resume();
    const seen = once(service, "error") as Promise<[NodeJS.ErrnoException]>;
    resetSocket(visitor);
    expect((await seen)[0].code).toBe("ECONNRESET");
    expect((await result).error).toMatchObject({ code: "connection_reset", fault: "peer" });
  });

  it("a reset behind unread bytes is not taken for the end of a complete stream", async () => {
    await using front = await serve();
    await using back = await serve();
    const [visitor, a] = await pair(front);
    const [b, service] = await pair(back);
    const ended = vi.fn();
    // The visitor of this test is a Node socket, too: it also needs to ask.
    onOrderlyEnd(visitor, ended);
    visitor.resume();
    // Both are in the relay's socket before it reads: the bytes, and the reset of a service that died.
    await new Promise((resolve) => service.write("half an ans", resolve));
    resetSocket(service);
    await closed(service);
    expect((await splice(a, b)).error).toMatchObject({ code: "connection_reset", fault: "peer" });
    await closed(visitor);
    expect(visitor.errored).toMatchObject({ code: "ECONNRESET" });
    expect(ended).not.toHaveBeenCalled();
  });

  it("an end while the other direction is backed up still passes", async () => {
    await using front = await serve();
    await using back = await serve();
    const { visitor, service, result } = await spliced(front, back);
    const answer = noise(20_000_000);
    service.write(answer);
    await until(() => service.writableLength > 0);
    visitor.pause().end("no more questions");
    expect(String(await readAll(service))).toBe("no more questions");
    service.end();
    expect(sha256(await readAll(visitor))).toBe(sha256(answer));
    expect((await result).error).toBeUndefined();
  });

  it("a side that was destroyed before resets the other", async () => {
    await using front = await serve();
    await using back = await serve();
    const [visitor, a] = await pair(front);
    const [b, service] = await pair(back);
    a.destroy();
    await closed(a);
    service.resume();
    const seen = once(service, "error");
    expect((await splice(a, b)).error).toMatchObject({ code: "connection_cut" });
    await seen;
    visitor.destroy();
  });

  it("bytes that came before the splice are not lost", async () => {
    await using front = await serve();
    await using back = await serve();
    const { visitor, a } = await (async () => {
      const [near, far] = await pair(front);
      near.end("early");
      return { visitor: near, a: far };
    })();
    const [b, service] = await pair(back);
    const result = splice(a, b);
    expect(String(await readAll(service))).toBe("early");
    service.end();
    visitor.resume();
    expect(await result).toMatchObject({ bytesAToB: 5, error: undefined });
  });

  it("twelve large transfers at once, both ways, with slow readers, arrive whole", async () => {
    await using front = await serve();
    await using back = await serve();
    const sizes = [
      0, 1, 1_000, 65_535, 65_536, 300_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000,
    ];
    await Promise.all(
      sizes.map(async (size, i) => {
        const there = noise(size);
        const andBack = noise(sizes[sizes.length - 1 - i] ?? 0);
        const a = front.accept();
        const visitor = await openSocket(front.endpoint);
        const service = back.accept();
        const result = splice(await a, await openSocket(back.endpoint));
        visitor.end(there);
        (await service).end(andBack);
        const slow = i % 3 === 0;
        const [got, returned] = await Promise.all([
          readSlowly(await service, slow),
          readSlowly(visitor, slow),
        ]);
        return { there, andBack, got, returned, result: await result };
      }),
    ).then((runs) => {
      // Visitors may be accepted in another order than they dialled, so only all hashes together can be compared.
      const sent = runs.flatMap(({ there, andBack }) => [sha256(there), sha256(andBack)]).toSorted();
      const received = runs.flatMap(({ got, returned }) => [sha256(got), sha256(returned)]).toSorted();
      expect(received).toEqual(sent);
      expect(runs.every(({ result }) => result.error === undefined)).toBe(true);
    });
  });
});

/** A reader that lets the bytes pile up between reads, so that back-pressure is needed. */
async function readSlowly(socket: Socket, slow: boolean): Promise<Buffer> {
  if (!slow) return readAll(socket);
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    await setTimeout(1);
  }
  return Buffer.concat(chunks);
}
