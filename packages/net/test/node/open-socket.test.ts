import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { listen, openSocket, resetSocket } from "@holdfast/net/node";
import { closed, pair, readAll, serve, temporaryFolder, until } from "./sockets.ts";

const ANYWHERE = { host: "127.0.0.1", port: 0 } as const;

describe("openSocket", () => {
  it("connects, and bytes pass both ways until both sides have ended", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    near.end("to the far side");
    expect(String(await readAll(far))).toBe("to the far side");
    far.end("and back");
    expect(String(await readAll(near))).toBe("and back");
    await Promise.all([closed(near), closed(far)]);
  });

  it("connects to a unix socket", async () => {
    await using folder = await temporaryFolder();
    await using server = await serve({ path: join(folder.path, "s") });
    const [near, far] = await pair(server);
    near.end("hello");
    expect(String(await readAll(far))).toBe("hello");
    far.destroy();
  });

  it("does not flow by itself, so that no byte is lost before someone listens", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    far.end("early");
    await until(() => near.readableLength === 5);
    expect(String(await readAll(near))).toBe("early");
    near.destroy();
  });

  it("says that the connection was refused, and by whom", async () => {
    const server = await serve();
    await server.close();
    const error = await openSocket(server.endpoint).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: "connection_refused", kind: "transient" });
    expect((error as HoldfastError).text).toContain("127.0.0.1:");
  });

  it("says that there is no unix socket", async () => {
    await using folder = await temporaryFolder();
    const dial = openSocket({ path: join(folder.path, "none") });
    await expect(dial).rejects.toMatchObject({ code: "connection_refused" });
  });

  it.each([
    { host: "127.0.0.1", port: 65_536 },
    { host: "", port: 1 },
    { path: "" },
    { path: `/tmp/${"x".repeat(120)}` },
  ])("refuses an endpoint that cannot be: %j", async (endpoint) => {
    await expect(openSocket(endpoint)).rejects.toMatchObject({ code: "bad_endpoint", kind: "fatal" });
  });

  it("does not dial at all under a signal that was aborted before", async () => {
    await using server = await serve();
    const reason = new HoldfastError({ code: "closed", message: "the line was closed" });
    await expect(openSocket(server.endpoint, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.accepted).toHaveLength(0);
  });

  it("an abort during the dial rejects at once", async () => {
    const controller = new AbortController();
    // Never routed (RFC 5737): the dial neither succeeds nor fails before the abort, or fails at once.
    const dial = openSocket({ host: "192.0.2.1", port: 9 }, { signal: controller.signal });
    controller.abort(new HoldfastError({ code: "stopped", message: "stopped" }));
    await expect(dial).rejects.toMatchObject({ code: "stopped" });
  });

  it("an abort after the dial does nothing", async () => {
    await using server = await serve();
    const controller = new AbortController();
    const near = await openSocket(server.endpoint, { signal: controller.signal });
    controller.abort();
    const far = await server.accept();
    near.end("still here");
    expect(String(await readAll(far))).toBe("still here");
    near.destroy();
  });

  it("an error after destroy ends nothing", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    near.destroy();
    near.emit("error", new Error("late"));
    far.emit("error", new Error("late"));
    resetSocket(far);
    resetSocket(far);
    await Promise.all([closed(near), closed(far)]);
  });
});

describe("resetSocket", () => {
  it("the other side sees a reset, not an end", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    far.resume();
    resetSocket(near);
    const [error] = (await once(far, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
  });

  it("destroys a unix socket, which has no resets", async () => {
    await using folder = await temporaryFolder();
    await using server = await serve({ path: join(folder.path, "s") });
    const [near, far] = await pair(server);
    far.resume();
    resetSocket(near);
    await once(far, "end");
  });
});

describe("listen", () => {
  it("says that the address is in use", async () => {
    await using server = await serve();
    await expect(listen({ endpoint: server.endpoint, onConnection() {} })).rejects.toMatchObject({
      code: "address_in_use",
      fault: "local",
    });
  });

  it("says that the address is not here", async () => {
    const there = listen({ endpoint: { host: "192.0.2.1", port: 0 }, onConnection() {} });
    await expect(there).rejects.toMatchObject({ code: "address_not_available" });
  });

  it("frees the port at once although connections go on", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    await server.close();
    await server.close();
    await using again = await serve(server.endpoint);
    expect(again.endpoint).toEqual(server.endpoint);
    near.end("goes on");
    expect(String(await readAll(far))).toBe("goes on");
  });

  it("hands out connections that are paused", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    expect(far.isPaused()).toBe(true);
    near.end();
    far.resume();
    await once(far, "end");
  });

  it("an address that is taken by plain Node is reported in the same words", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    await expect(listen({ endpoint: { ...ANYWHERE, port }, onConnection() {} })).rejects.toMatchObject({
      code: "address_in_use",
    });
    other.close();
  });
});
