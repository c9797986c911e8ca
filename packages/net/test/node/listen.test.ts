import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { openSocket } from "@holdfast/net/node";
import { readAll } from "./sockets.ts";

/** Echoes, with few file descriptors, and says which errors it met. Runs the built package. */
const CRAMPED_SERVER = `
  import { listen } from "@holdfast/net/node";
  const listener = await listen({
    endpoint: { host: "127.0.0.1", port: 0 },
    onConnection: (socket) => socket.pipe(socket),
    onError: (error) => console.log(error.code),
  });
  console.log(listener.endpoint.port);
`;

describe("listen without file descriptors left", () => {
  it("goes on accepting once there are some again", async () => {
    const child = spawn(
      "sh",
      ["-c", 'ulimit -n 400; exec "$0" --input-type=module --eval "$1"', process.execPath, CRAMPED_SERVER],
      {
        stdio: ["ignore", "pipe", "inherit"],
        cwd: fileURLToPath(new URL(".", import.meta.url)),
      },
    );
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
    const visitors: Socket[] = [];
    try {
      while (lines.length === 0) await setTimeout(5);
      const endpoint = { host: "127.0.0.1", port: Number(lines[0]) };
      // Those that find no descriptor are closed or wait: either is good, falling over is not.
      for (let i = 0; i < 450; i++) visitors.push(await openSocket(endpoint));
      for (const visitor of visitors) visitor.destroy();
      const echo = await echoFrom(endpoint);
      expect(echo).toBe("still here");
      expect(child.exitCode).toBeNull();
    } finally {
      for (const visitor of visitors) visitor.destroy();
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
});

/** Descriptors come back a moment after the visitors have gone. */
async function echoFrom(endpoint: { host: string; port: number }): Promise<string> {
  for (;;) {
    const visitor = await openSocket(endpoint);
    visitor.end("still here");
    const text = await readAll(visitor).then(String, () => "");
    visitor.destroy();
    if (text !== "") return text;
  }
}
