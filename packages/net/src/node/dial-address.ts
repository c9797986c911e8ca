// A dial of one address: an IP or a unix socket. There is no name to look up, nobody to race and no proxy, so that it
// costs hardly more than the connection itself; whoever connects somewhere for each visitor feels that.
import { connect, isIP, type Socket, type TcpNetConnectOpts } from "node:net";
import type { Clock, HoldfastError, Timer } from "@holdfast/core";
import { formatEndpoint, type Endpoint } from "./endpoint.ts";
import { guardSocket, tuneSocket } from "./socket-care.ts";
import { dialFailure, tooLate } from "./socket-failure.ts";

export interface AddressDialOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly localAddress?: string | undefined;
  readonly onWarning?: ((warning: HoldfastError) => void) | undefined;
}

/** Whether the endpoint is an address already. */
export function isAddress(endpoint: Endpoint): boolean {
  return "path" in endpoint || isIP(endpoint.host) !== 0;
}

/** The socket of an endpoint, connecting, with `allowHalfOpen`; it is tuned as soon as it is connected. */
export function beginSocket(
  endpoint: Endpoint,
  { localAddress, onWarning }: Pick<AddressDialOptions, "localAddress" | "onWarning">,
): Socket {
  if ("path" in endpoint) return guarded(connect({ path: endpoint.path, allowHalfOpen: true }));
  const { host, port } = endpoint;
  const options: TcpNetConnectOpts = { host, port, allowHalfOpen: true };
  const socket = guarded(connect(localAddress === undefined ? options : { ...options, localAddress }));
  socket.once("connect", () => tuneSocket(socket, onWarning));
  return socket;
}

export class AddressDial {
  /** Rejects with `HoldfastError` only. */
  readonly result: Promise<Socket>;
  readonly #endpoint: Endpoint;
  readonly #deadline: Timer;
  #socket: Socket | undefined = undefined;
  #resolve!: (socket: Socket) => void;
  #reject!: (failure: HoldfastError) => void;

  constructor(endpoint: Endpoint, options: AddressDialOptions) {
    const { clock, timeoutMs } = options;
    this.#endpoint = endpoint;
    this.#deadline = clock.timer(() => this.cancel(tooLate(formatEndpoint(endpoint), timeoutMs)));
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#begin(options);
  }

  /** Nothing is left of it, and the promise rejects with the reason. Harmless once it is over. */
  cancel(reason: HoldfastError): void {
    const socket = this.#end();
    if (socket === undefined) return;
    socket.destroy();
    this.#reject(reason);
  }

  #begin(options: AddressDialOptions): void {
    try {
      this.#socket = beginSocket(this.#endpoint, options);
    } catch (thrown) {
      return this.#reject(dialFailure(this.#endpoint, thrown));
    }
    this.#deadline.set(options.timeoutMs);
    this.#socket.on("connect", this.#connected).on("error", this.#failed);
  }

  readonly #connected = (): void => {
    const socket = this.#end();
    if (socket !== undefined) this.#resolve(socket);
  };

  readonly #failed = (error: unknown): void => {
    if (this.#end() !== undefined) this.#reject(dialFailure(this.#endpoint, error));
  };

  /** @returns the socket, the first time. */
  #end(): Socket | undefined {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#deadline.clear();
    socket?.removeListener("connect", this.#connected).removeListener("error", this.#failed);
    return socket;
  }
}

function guarded(socket: Socket): Socket {
  guardSocket(socket);
  return socket;
}
