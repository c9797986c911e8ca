// A line over `ws`, with heartbeats: WebSocket pings are the question, any frame is the answer.
import { connect, type Line, type Link } from "@holdfast/net";
import { WebSocket } from "ws";

export function keepConnected(url: string): Line<Link & { socket: WebSocket }> {
  return connect({
    failFast: false,
    heartbeat: { intervalMs: 10_000, timeoutMs: 15_000 },
    dial: ({ signal, heard, lost }) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url);
        signal.addEventListener("abort", () => socket.terminate());
        socket.on("open", () =>
          resolve({
            socket,
            close: () => socket.terminate(),
            ping: () => socket.ping(),
            survivesPingFailure: true,
          }),
        );
        socket
          .on("message", heard)
          .on("pong", heard)
          .on("close", () => lost());
        socket.on("error", (error) => {
          reject(error);
          lost(error);
        });
      }),
  });
}
