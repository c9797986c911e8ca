// How the other side's direction of a connection ended, told apart with care: a cut that passed for an end would be
// the very thing that acceptance is there to find.
import type { Socket } from "node:net";
import { onOrderlyEnd } from "@holdfast/net/node";

/** `end` if the far application said so; otherwise the code of the error that broke it off. Never rejects. */
export function fateOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    // A reset can be told from an end on a connected socket only.
    const watch = (): void => onOrderlyEnd(socket, () => resolve("end"));
    if (socket.connecting) socket.once("connect", watch);
    else watch();
    socket
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .on("close", () => resolve("closed"));
  });
}
