// The network of the demo: between the tunnel's two ends, and it breaks when told to.
import { pipeline } from "node:stream";
import {
  listen,
  openSocket,
  resetSocket,
  type Endpoint,
  type Listener,
  type Socket,
} from "@holdfast/net/node";

export class CuttableProxy {
  readonly #target: () => Endpoint;
  /** At most two for each request that is under way. */
  readonly #sockets = new Set<Socket>();
  #listener: Listener | undefined;
  #swallowing = false;

  constructor(target: () => Endpoint) {
    this.#target = target;
  }

  async start(): Promise<{ readonly host: string; readonly port: number }> {
    this.#listener = await listen({
      endpoint: { host: "127.0.0.1", port: 0 },
      onConnection: (socket) => void this.#forward(socket),
    });
    const { endpoint } = this.#listener;
    if ("path" in endpoint) throw new TypeError("a TCP listener has a port");
    return endpoint;
  }

  /** Every connection ends with a reset, as when a firewall forgets them. */
  reset(): void {
    for (const socket of this.#sockets) resetSocket(socket);
  }

  /** Nothing arrives any more, in either direction, and nobody is told. */
  swallow(): void {
    this.#swallowing = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** New connections work again; the swallowed ones are reset, as by a router that restarted and knows none. */
  heal(): void {
    this.#swallowing = false;
    this.reset();
  }

  async close(): Promise<void> {
    this.reset();
    await this.#listener?.close();
  }

  async #forward(near: Socket): Promise<void> {
    this.#keep(near);
    if (this.#swallowing) return;
    try {
      const far = await openSocket(this.#target());
      this.#keep(far);
      if (near.destroyed) return resetSocket(far);
      // An end is passed on by the pipeline; an error of either side ends both.
      pipeline(near, far, () => undefined);
      pipeline(far, near, () => undefined);
    } catch {
      resetSocket(near);
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
