// Services behind the tunnel, and visitors in front of it, that know every byte they should see.
import { createHash } from "node:crypto";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Scene } from "./scene.ts";

const CHUNK = 64 * 1024;

/** Bytes that depend on the seed and the position, so that a lost or repeated byte shows in the hash. */
function patternChunk(seed: number, offset: number, length: number): Buffer {
  const chunk = Buffer.allocUnsafe(length);
  for (let i = 0; i + 4 <= length; i += 4) chunk.writeUInt32LE(Math.imul(seed + 1, offset + i + 1) >>> 0, i);
  chunk.fill(seed & 0xff, length - (length % 4));
  return chunk;
}

export function patternHash(seed: number, bytes: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes; at += CHUNK) hash.update(patternChunk(seed, at, Math.min(CHUNK, bytes - at)));
  return hash.digest("hex");
}

/** Answers `SEED BYTES\n` with that many bytes of that pattern, then ends. */
export async function patternService(scene: Scene): Promise<number> {
  return listenForScene(scene, (socket) => {
    socket.once("data", (request: Buffer) => {
      const [seed = 0, bytes = 0] = request.toString().trim().split(" ").map(Number);
      let at = 0;
      const send = (): void => {
        while (at < bytes) {
          const length = Math.min(CHUNK, bytes - at);
          const more = socket.write(patternChunk(seed, at, length));
          at += length;
          if (!more) return void socket.once("drain", send);
        }
        socket.end();
      };
      send();
    });
  });
}

/** Sends back what it gets. */
export async function echoService(scene: Scene): Promise<number> {
  return listenForScene(scene, (socket) => socket.pipe(socket));
}

/** Accepts and says nothing. */
export async function silentService(scene: Scene): Promise<number> {
  return listenForScene(scene, () => undefined);
}

async function listenForScene(scene: Scene, serve: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scene.onEnd(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export interface Download {
  readonly bytes: number;
  readonly hash: string;
}

/** Ask a pattern service through whatever stands at `port`; `onBytes` sees the count grow. */
export function download(
  port: number,
  seed: number,
  bytes: number,
  onBytes?: (count: number) => void,
): Promise<Download> {
  return new Promise((resolve, reject) => {
    const hash = createHash("sha256");
    let count = 0;
    const socket = connect(port, "127.0.0.1", () => socket.write(`${seed} ${bytes}\n`));
    socket.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      count += chunk.length;
      onBytes?.(count);
    });
    socket.on("end", () => resolve({ bytes: count, hash: hash.digest("hex") }));
    socket.on("error", reject);
  });
}

/** Whether a byte sent to `port` comes back. */
export function echoes(port: number, deadlineMs = 5_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("x"));
    const done = (answered: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    const timer = setTimeout(() => done(false), deadlineMs);
    socket
      .on("data", () => done(true))
      .on("end", () => done(false))
      .on("error", () => done(false));
  });
}

/** Whether anybody listens. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket
      .on("connect", () => resolve(true))
      .on("error", () => resolve(false))
      .on("close", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
