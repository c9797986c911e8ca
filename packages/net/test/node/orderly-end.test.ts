import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { onOrderlyEnd } from "@holdfast/net/node";
import { serve } from "./sockets.ts";

it.each(["reset", "end"])(
  "tells a %s behind unread bytes from the other, asked before it is connected",
  async (how) => {
    await using server = await serve();
    const socket = connect({ ...(server.endpoint as { host: string; port: number }), allowHalfOpen: true });
    const seen: string[] = [];
    onOrderlyEnd(socket, () => seen.push("end"));
    socket.on("error", () => seen.push("reset"));
    const far = await server.accept();
    if (socket.connecting) await once(socket, "connect");
    await new Promise((taken) => far.write(Buffer.alloc(1_000), taken));
    if (how === "reset") far.resetAndDestroy();
    else far.end();
    // Read only once the end is behind the bytes.
    await once(far, how === "reset" ? "close" : "finish");
    socket.resume();
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(1);
    socket.destroy();
    expect(seen).toEqual([how]);
  },
);
