// One connected socket, or one error that says why not: name lookup, happy eyeballs, proxy and deadline in one
// place, so that nothing is left behind whichever of them ends the dial.
import type { Socket } from "node:net";
import type { Clock, HoldfastError } from "@holdfast/core";
import { systemClock } from "../host.ts";
import { AddressDial, beginSocket, isAddress } from "./dial-address.ts";
import type { Endpoint } from "./endpoint.ts";
import { checkEndpoint, formatEndpoint } from "./endpoint.ts";
import { connectThroughProxy } from "./proxy.ts";
import { AddressRace, interleave } from "./race.ts";
import type { Address, Resolver } from "./resolver.ts";
import { systemResolver } from "./resolver.ts";
import { aborted, dialFailure, tooLate } from "./socket-failure.ts";

export interface OpenOptions {
  /** Cancels the dial at once. A signal that aborts later is ignored. */
  readonly signal?: AbortSignal;
  /** Covers lookup, connect and proxy, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** An HTTP proxy (`http://[user:password@]host:port`) to go through by CONNECT. Default: none. */
  readonly proxy?: URL | undefined;
  /** The address of this machine to connect from. */
  readonly localAddress?: string;
  /** The system refused a socket option. Default: nothing. */
  readonly onWarning?: (warning: HoldfastError) => void;
  /** Default: the process's own. */
  readonly resolver?: Resolver;
}

const DIAL_TIMEOUT_MS = 10_000;

/** A line has a deadline of its own for the whole handshake; this one is only for dials without a line. */
export const LONGEST_DIAL_MS: number = 120_000;

/**
 * A connected socket with no-delay, keepalive (15 s) and `allowHalfOpen`. It is not flowing and always has an
 * error listener.
 * @throws HoldfastError `connection_refused`, `timed_out`, `name_not_resolved`, `unreachable`, `aborted`,
 * `permission_denied`, `bad_endpoint`, `proxy_refused` and what else the system may say.
 */
export async function openSocket(endpoint: Endpoint, options: OpenOptions = {}): Promise<Socket> {
  checkEndpoint(endpoint);
  const { signal } = options;
  throwIfAborted(signal);
  const dial = dialSocket(endpoint, options);
  const onAbort = (): void => dial.cancel(aborted(signal?.reason));
  signal?.addEventListener("abort", onAbort, { once: true });
  let socket: Socket | undefined = undefined;
  try {
    socket = await dial.result;
    throwIfAborted(signal);
    return socket;
  } catch (thrown) {
    // Cancelled between the connect and here: nobody would ever close it.
    socket?.destroy();
    throw thrown;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** A dial that is under way. */
export interface SocketDial {
  /** As `openSocket`. */
  readonly result: Promise<Socket>;
  /** The socket is destroyed, and the promise rejects with the reason. Harmless once it has settled. */
  cancel(reason: HoldfastError): void;
}

/**
 * As `openSocket`, for who dials so often that an `AbortSignal` for each would show.
 * @throws HoldfastError `bad_endpoint` (fatal).
 */
export function dialSocket(endpoint: Endpoint, options: Omit<OpenOptions, "signal"> = {}): SocketDial {
  checkEndpoint(endpoint);
  const { clock = systemClock, timeoutMs = DIAL_TIMEOUT_MS, proxy, localAddress, onWarning } = options;
  return isAddress(endpoint) && (proxy === undefined || "path" in endpoint)
    ? new AddressDial(endpoint, { clock, timeoutMs, localAddress, onWarning })
    : new OneDial(endpoint, options);
}

class OneDial {
  readonly result: Promise<Socket>;
  readonly #endpoint: Endpoint;
  readonly #options: OpenOptions;
  readonly #cancelled = new AbortController();

  constructor(endpoint: Endpoint, options: OpenOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.result = this.#run();
  }

  cancel(reason: HoldfastError): void {
    this.#cancelled.abort(reason);
  }

  async #run(): Promise<Socket> {
    const { clock = systemClock, timeoutMs = DIAL_TIMEOUT_MS } = this.#options;
    const deadline = clock.timer(() => this.cancel(tooLate(formatEndpoint(this.#endpoint), timeoutMs)));
    deadline.set(timeoutMs);
    try {
      return await this.#open();
    } catch (error) {
      throw dialFailure(this.#endpoint, error);
    } finally {
      deadline.clear();
    }
  }

  async #open(): Promise<Socket> {
    const { proxy } = this.#options;
    if (proxy === undefined || "path" in this.#endpoint) return this.#direct(this.#endpoint);
    return connectThroughProxy({
      proxy,
      target: this.#endpoint,
      open: (endpoint) => this.#direct(endpoint),
      signal: this.#cancelled.signal,
    });
  }

  async #direct(endpoint: Endpoint): Promise<Socket> {
    const { clock = systemClock, resolver = systemResolver } = this.#options;
    if (isAddress(endpoint)) return this.#race(new AddressRace(() => this.#begin(endpoint), clock), [0]);
    const { host, port } = endpoint as Extract<Endpoint, { host: string }>;
    const race = new AddressRace<Address>((address) => this.#begin({ host: address.address, port }), clock);
    const { addresses, late } = await this.#orCancelled(resolver.resolve(host));
    const tried = interleave(addresses);
    const winner = this.#race(race, tried, late !== undefined);
    void late?.then((more) => race.add(interleave(more.filter((address) => !includes(tried, address)))));
    return winner;
  }

  async #race<A>(race: AddressRace<A>, addresses: readonly A[], moreExpected = false): Promise<Socket> {
    const { signal } = this.#cancelled;
    const onAbort = (): void => race.cancel(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    race.add(addresses, moreExpected);
    try {
      const socket = await race.winner;
      // Cancelled between the connect and this line: nobody would ever close the socket.
      if (signal.aborted) socket.destroy();
      signal.throwIfAborted();
      return socket;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #begin(endpoint: Endpoint): Socket {
    return beginSocket(endpoint, this.#options);
  }

  #orCancelled<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.#cancelled;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  }
}

function includes(addresses: readonly Address[], wanted: Address): boolean {
  return addresses.some(({ address }) => address === wanted.address);
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal.reason);
}
