// A line over a plain socket of Node's: ten lines, and it comes back.
import { connect as open, type Socket } from "node:net";
import { connect, type Line, type Link } from "@holdfast/net";

export function keepConnected(port: number, host = "127.0.0.1"): Line<Link & { socket: Socket }> {
  return connect({
    failFast: false, // without it, the first dial's failure ends the line
    dial: ({ signal, heard, lost }) =>
      new Promise((resolve, reject) => {
        const socket = open(port, host, () => resolve({ socket, close: () => socket.destroy() }));
        signal.addEventListener("abort", () => socket.destroy());
        socket.on("data", heard).on("close", () => lost());
        socket.on("error", (error) => {
          reject(error);
          lost(error);
        });
      }),
  });
}
