// Counts the sockets of this process that dial, from their making to their close. Those of listeners, which may be
// in the same process, do not count.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

const CHANNEL = "net.client.socket";

export class ClientSockets {
  readonly #open = new Set<Socket>();
  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
  };

  constructor() {
    subscribe(CHANNEL, this.#onSocket);
  }

  get open(): number {
    return this.#open.size;
  }

  stop(): void {
    unsubscribe(CHANNEL, this.#onSocket);
  }
}
