// Ports where dials fail: one that refuses, and one that never answers.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../node/listen.ts";

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freedPort(): Promise<{ readonly host: string; readonly port: number }> {
  const listener = await listen({ endpoint: { host: "127.0.0.1", port: 0 }, onConnection() {} });
  await listener.close();
  return listener.endpoint as { host: string; port: number };
}

export interface SilentPort {
  readonly port: number;
  close(): Promise<void>;
}

/** A listener that never accepts: its process is busy for ever, and its queue is full. */
export async function silentPort(): Promise<SilentPort> {
  const child = spawn(process.execPath, ["--eval", BUSY_LISTENER], { stdio: ["ignore", "pipe", "ignore"] });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(String(text));
  const fillers: Socket[] = [];
  while (await connectsAtOnce(port, fillers)) {
    // The system queues a few connections more than were asked for.
  }
  return {
    port,
    async close() {
      for (const socket of fillers) socket.destroy();
      await stop(child);
    },
  };
}

const BUSY_LISTENER = `
  const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

async function connectsAtOnce(port: number, fillers: Socket[]): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" }).on("error", () => undefined);
  fillers.push(socket);
  const first = await Promise.race([once(socket, "connect").then(() => "connected"), sleep(200)]);
  return first !== undefined;
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
