// A dial that is cancelled by whoever began it, without an abort signal.
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { dialSocket } from "@holdfast/net/node";
import { ManualClock } from "./manual-clock.ts";
import { serve, until } from "./sockets.ts";

const CANCELLED = new HoldfastError({
  code: "visitor_gone",
  message: "the visitor went away",
  fault: "peer",
});

// An address is dialled by itself, a name by way of a lookup and a race: what may be said to them is the same.
describe.each(["127.0.0.1", "localhost"])("dialSocket to %s", (host) => {
  it("rejects with the reason when it is cancelled, and leaves neither socket nor timer", async () => {
    await using server = await serve();
    const clock = new ManualClock();
    const dial = dialSocket({ host, port: portOf(server.endpoint) }, { clock });
    dial.cancel(CANCELLED);
    await expect(dial.result).rejects.toBe(CANCELLED);
    expect(clock.armed).toBe(0);
  });

  it("is not harmed when it is cancelled once it has connected", async () => {
    await using server = await serve();
    const clock = new ManualClock();
    const dial = dialSocket({ host, port: portOf(server.endpoint) }, { clock });
    const socket = await dial.result;
    dial.cancel(CANCELLED);
    expect(clock.armed).toBe(0);
    expect(socket.destroyed).toBe(false);
    expect(socket.listenerCount("connect")).toBe(0);
    socket.destroy();
    await once(socket, "close");
  });
});

describe("dialSocket", () => {
  it("gives up an address that does not answer in time", async () => {
    await using server = await serve();
    const clock = new ManualClock();
    const dial = dialSocket(server.endpoint, { clock, timeoutMs: 5_000 });
    const result = dial.result.catch((thrown: unknown) => thrown);
    clock.advance(5_000);
    const error = await result;
    expect(error).toMatchObject({ code: "timed_out" });
    expect((error as HoldfastError).text).toMatch(/127\.0\.0\.1:\d+ within 5 s/);
  });

  it("says so where the system refuses at once, and arms no timer", async () => {
    const clock = new ManualClock();
    const dial = dialSocket({ host: "127.0.0.1", port: 1 }, { clock, localAddress: "not an address" });
    await expect(dial.result).rejects.toBeInstanceOf(HoldfastError);
    expect(clock.armed).toBe(0);
  });

  it("survives an error that comes when nobody waits any more", async () => {
    const server = await serve();
    await server.close();
    const dial = dialSocket(server.endpoint);
    let settled = false;
    const result = dial.result.catch((thrown: unknown) => thrown).finally(() => (settled = true));
    await until(() => settled);
    dial.cancel(CANCELLED);
    expect(await result).toMatchObject({ code: "connection_refused" });
  });
});

function portOf(endpoint: { readonly port: number } | { readonly path: string }): number {
  return "port" in endpoint ? endpoint.port : 0;
}
