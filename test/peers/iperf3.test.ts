// The real iperf3 through a native tunnel whose link is cut: its measurement ends as if nothing had been.
import { describe, expect, test } from "vitest";
import { freePort, until } from "../../packages/tunnel/test/sockets.ts";
import { tunnelTo } from "./native-tunnel.ts";
import { hasSystemPeer, PeerProcess } from "./peer.ts";

const SECONDS = 3;

interface Sum {
  readonly bytes: number;
}

interface Report {
  readonly error?: string;
  readonly end: {
    readonly sum_sent: Sum;
    readonly sum_received: Sum;
    /** Of the other direction, with `--bidir`. */
    readonly sum_received_bidir_reverse?: Sum;
  };
}

describe.skipIf(!hasSystemPeer("iperf3"))("iperf3 through a native tunnel", () => {
  test.each([
    ["from the visitor", [], "down"],
    ["to the visitor", ["-R"], "up"],
    ["four streams both ways", ["-P", "4", "--bidir"], "up"],
  ] as const)("%s, over a cut", async (_, args, direction) => {
    const port = await freePort();
    const server = new PeerProcess("iperf3", [
      "-s",
      "-1",
      "--forceflush",
      "-B",
      "127.0.0.1",
      "-p",
      `${port}`,
    ]);
    await server.prints("Server listening");
    const { tunnel, proxy, port: publicPort } = await tunnelTo(port);
    proxy.apply({ kind: "throttle", bytesPerSecond: 20_000_000 });
    const measured = ["-c", "127.0.0.1", "-p", `${publicPort}`, "-t", `${SECONDS}`, "-J", ...args];
    const client = new PeerProcess("iperf3", measured);
    const link = await proxy.accepted(1);
    await until("bytes are under way", () => link[direction].forwarded > 5_000_000);
    link.apply({ kind: "reset" });
    await until("the tunnel is back", () => tunnel.line.status.epoch === 2);
    expect(client.exited, "it was over before the tunnel was back").toBeUndefined();
    const code = await client.exits();
    const { error, end } = JSON.parse(client.output) as Report;
    expect([code, error]).toEqual([0, undefined]);
    expect(end.sum_sent.bytes).toBeGreaterThan(5_000_000);
    expect(end.sum_received.bytes).toBeGreaterThan(5_000_000);
    if (direction === "up" && args.length > 1)
      expect(end.sum_received_bidir_reverse?.bytes).toBeGreaterThan(1_000_000);
    expect(await server.exits()).toBe(0);
    expect(tunnel.afterOutage.streamsLost).toBe(0);
  });
});
