// Raw sockets for tests: peers that say exactly what a test tells them to, and ways to wait for what they hear.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

const PATIENCE_MS = 20_000;

/** Wait until it holds, or fail with what was waited for. */
export async function until(
  what: string,
  holds: () => boolean,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A socket that collects what it hears. */
export class Peer {
  readonly socket: Socket;
  readonly chunks: Buffer[] = [];
  ended = false;
  error: (Error & { readonly code?: string }) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.chunks.push(chunk));
    socket.on("end", () => (this.ended = true));
    socket.on("error", (error) => (this.error = error));
    onTestFinished(() => void socket.destroy());
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<Peer> {
    const socket = connect({ host, port, allowHalfOpen: true });
    const peer = new Peer(socket);
    // A reset that comes with the accept may be the first thing that is seen.
    await until("the connection is made", () => !socket.connecting || socket.destroyed);
    return peer;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** The frames heard so far, the last one only if it is complete. */
  get frames(): string[] {
    return this.text.split("\0").slice(0, -1);
  }

  say(text: string): void {
    this.socket.write(text);
  }

  async hears(text: string): Promise<void> {
    await until(`${JSON.stringify(text)} is heard; heard ${JSON.stringify(this.text.slice(0, 400))}`, () => {
      return this.text.includes(text);
    });
  }

  /** The other side has ended its direction, or everything. */
  async closes(): Promise<void> {
    await until(`the connection ends; heard ${JSON.stringify(this.text.slice(0, 400))}`, () => {
      return this.ended || this.socket.destroyed;
    });
  }

  /** It was a reset, not an end. */
  async isReset(): Promise<void> {
    await until("the connection is reset", () => this.error !== undefined || this.ended);
    if (this.error?.code !== "ECONNRESET")
      throw new Error(`not reset: ended ${this.ended}, ${this.error?.code}`);
  }
}

export interface TestServer {
  readonly port: number;
  readonly sockets: Set<Socket>;
  readonly server: Server;
  close(): Promise<void>;
}

/** A server whose connections are given to `serve`; gone with everything in it when the test is. */
export async function serve(handle: (socket: Socket) => void, port = 0): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    handle(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  };
  onTestFinished(close);
  return { port: (server.address() as AddressInfo).port, sockets, server, close };
}

/** Answers with what it gets, and ends when the other side does. */
export function echo(): Promise<TestServer> {
  return serve((socket) => void socket.pipe(socket));
}

/** A port that nobody listens on, most probably not even a little later. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}
