import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { recordAttempt } from "@holdfast/net/compliance";
import { resetSocket, socketLink, tcp } from "@holdfast/net/node";
import { noise, pair, serve, until } from "./sockets.ts";

describe("socketLink", () => {
  it("a socket that this side destroyed is a local loss, which no peer is blamed for", async () => {
    await using server = await serve();
    const [near] = await pair(server);
    const attempt = recordAttempt();
    socketLink(near, server.endpoint, attempt);
    near.destroy();
    await until(() => attempt.losses.length > 0);
    expect(attempt.losses).toHaveLength(1);
    expect(attempt.losses[0]).toMatchObject({ code: "connection_cut", fault: "local" });
  });

  it("a socket that ended before it became a link is reported lost", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    resetSocket(far);
    await until(() => near.destroyed || near.readableEnded);
    const attempt = recordAttempt();
    socketLink(near, server.endpoint, attempt);
    await until(() => attempt.losses.length > 0);
    const cause = attempt.losses[0];
    expect(cause === undefined || (cause instanceof HoldfastError && cause.fault === "peer")).toBe(true);
  });

  it("does not start the flow: bytes wait for the application", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    const attempt = recordAttempt();
    const link = socketLink(near, server.endpoint, attempt);
    far.write("early");
    await until(() => near.readableLength === 5);
    expect([near.readableFlowing, attempt.heardCount]).toEqual([null, 0]);
    const got = new Promise((resolve) => near.once("data", resolve));
    expect(String(await got)).toBe("early");
    expect(attempt.heardCount).toBe(1);
    link.close();
  });

  it("names no local address on loopback, which never goes away", async () => {
    await using server = await serve();
    const [near] = await pair(server);
    const link = socketLink(near, server.endpoint, recordAttempt());
    expect(link.localAddress).toBeUndefined();
    link.close();
  });

  it("reports written bytes that the system does not take, and what it took", async () => {
    await using server = await serve();
    const reports: [number, number][] = [];
    const attempt = {
      ...recordAttempt(),
      progress: (...report: [number, number]) => void reports.push(report),
    };
    const { host, port } = server.endpoint as { host: string; port: number };
    const link = await tcp({ host, port, reportProgress: true })(attempt);
    const far: Socket = await server.accept();
    const flushed: unknown[] = [];
    link.socket.write(noise(20_000_000), () => flushed.push("flushed"));
    await until(() => reports.length > 0);
    expect(reports[0]?.[0]).toBeGreaterThan(0);
    expect(flushed).toEqual([]);
    far.resume();
    await until(() => flushed.length > 0);
    expect(reports.at(-1)).toEqual([0, 20_000_000]);
    expect(link.movedBytes).toBe(20_000_000);
    link.close();
  });
});
