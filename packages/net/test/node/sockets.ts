// What the tests of sockets need: a listener that hands out its connections, and the bytes of a socket.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { listen, openSocket } from "@holdfast/net/node";
import type { Endpoint, Listener } from "@holdfast/net/node";

export interface TestServer extends Listener {
  /** The next connection, when it comes. */
  accept(): Promise<Socket>;
  readonly accepted: Socket[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A listener on loopback (or at the endpoint) that destroys what is left when it is disposed of. */
export async function serve(endpoint: Endpoint = { host: "127.0.0.1", port: 0 }): Promise<TestServer> {
  const accepted: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  let handedOut = 0;
  const listener = await listen({
    endpoint,
    onConnection(socket) {
      accepted.push(socket);
      const waiter = waiting.shift();
      if (waiter === undefined) return;
      handedOut++;
      waiter(socket);
    },
  });
  return {
    endpoint: listener.endpoint,
    accepted,
    close: () => listener.close(),
    accept() {
      const next = accepted[handedOut];
      if (next === undefined) return new Promise((resolve) => waiting.push(resolve));
      handedOut++;
      return Promise.resolve(next);
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      for (const socket of accepted) socket.destroy();
    },
  };
}

/** Two ends of one connection. */
export async function pair(server: TestServer): Promise<readonly [near: Socket, far: Socket]> {
  const [near, far] = await Promise.all([openSocket(server.endpoint), server.accept()]);
  return [near, far];
}

/** Everything up to the end; rejects if the connection breaks first. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function noise(bytes: number): Buffer {
  return randomBytes(bytes);
}

/** Wait for a condition; the test's own timeout is the deadline. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

export async function closed(socket: Socket): Promise<void> {
  while (!socket.closed) await once(socket, "close").catch(() => undefined);
}

export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-net-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
