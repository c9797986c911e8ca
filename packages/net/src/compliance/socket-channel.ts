// The bytes of a socket as a channel of the compliance suite.
import type { Socket } from "node:net";
import { onOrderlyEnd } from "../node/orderly-end.ts";
import { guardSocket, resetSocket } from "../node/socket-care.ts";
import type { ByteChannel } from "./arena.ts";

export function socketChannel(socket: Socket): ByteChannel {
  guardSocket(socket);
  const chunks: Buffer[] = [];
  let over: "no" | "ended" | "broken" = socket.destroyed ? "broken" : "no";
  let wake: () => void = () => undefined;
  const news = (): void => {
    wake();
    wake = () => undefined;
  };
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    socket.pause();
    news();
  });
  socket.once("close", () => {
    if (over === "no") over = "broken";
    news();
  });
  onOrderlyEnd(socket, () => {
    over = "ended";
    news();
  });
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    async receive() {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) return chunk;
        if (over === "ended") return undefined;
        if (over === "broken") throw socket.errored ?? new Error("the socket is closed");
        const more = new Promise<void>((resolve) => (wake = resolve));
        socket.resume();
        await more;
      }
    },
    end: () => void socket.end(),
    reset: () => resetSocket(socket),
  };
}
