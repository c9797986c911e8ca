// Something to expose: it answers each connection with what it was sent, and can be asked through a tunnel.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Echo {
  readonly port: number;
  readonly server: Server;
}

export async function startEcho(at: { path: string } | { port: number } = { port: 0 }): Promise<Echo> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.pipe(socket);
  });
  server.listen({ ...at, host: "127.0.0.1" });
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: typeof server.address() === "string" ? 0 : (server.address() as AddressInfo).port, server };
}

/** Send, half-close, and read all that comes back. */
export async function ask(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  socket.end(text);
  await once(socket, "close");
  return answer;
}

/** A visitor that stays. */
export async function visit(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  onTestFinished(() => {
    socket.destroy();
  });
  socket.write("hello");
  await once(socket, "data");
  return socket;
}
