// Services behind the tunnel, and visitors in front of it, that know every byte they should see.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Digest, sendPattern, type Content } from "./pattern.ts";
import type { Scene } from "./scene.ts";

/** Answers `SEED BYTES\n` with that many bytes of that pattern, then ends. */
export async function patternService(scene: Scene): Promise<number> {
  return listenForScene(scene, (socket) => {
    socket.once("data", (request: Buffer) => {
      const [seed = 0, bytes = 0] = request.toString().trim().split(" ").map(Number);
      sendPattern(socket, seed, bytes);
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

/** A server on a free port of this machine, gone with the scene. */
export async function listenForScene(scene: Scene, serve: (socket: Socket) => void): Promise<number> {
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

/** Ask a pattern service through whatever stands at `port`; `onBytes` sees the count grow. */
export function download(
  port: number,
  seed: number,
  bytes: number,
  onBytes?: (count: number) => void,
): Promise<Content> {
  return new Promise((resolve, reject) => {
    const digest = new Digest();
    const socket = connect(port, "127.0.0.1", () => socket.write(`${seed} ${bytes}\n`));
    socket.on("data", (chunk: Buffer) => {
      digest.take(chunk);
      onBytes?.(digest.bytes);
    });
    socket.on("end", () => resolve(digest.finish()));
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
