// Connections that have not said yet what they are: how many there may be, and for how long.
import type { Socket } from "node:net";
import type { Clock, Timer } from "@holdfast/core";

export interface IdentifyingLimits {
  /** At a time. */
  readonly connections: number;
  /** In milliseconds. */
  readonly timeoutMs: number;
}

interface Entry {
  readonly timer: Timer;
  /** Called once, when the connection is no longer counted. */
  readonly release: () => void;
  readonly key: string | undefined;
  readonly onClose: () => void;
}

export class Identifying {
  readonly #limits: IdentifyingLimits;
  readonly #clock: Clock;
  /** At most `limits.connections`. */
  readonly #entries = new Map<Socket, Entry>();
  /** The sockets below by their addresses, one for each entry: that is how TLS connections are told. */
  readonly #byAddresses = new Map<string, Socket>();

  constructor(limits: IdentifyingLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#limits.connections;
  }

  /** Count a socket until it is `done` or closed; destroy it if that takes too long. */
  begin(socket: Socket, release: () => void): void {
    this.done(socket);
    const timer = this.#clock.timer(() => socket.destroy());
    timer.set(this.#limits.timeoutMs);
    const key = addressesOf(socket);
    const onClose = (): void => this.done(socket);
    this.#entries.set(socket, { timer, release, key, onClose });
    if (key !== undefined) this.#byAddresses.set(key, socket);
    socket.once("close", onClose);
  }

  /** It has said what it is, or is gone. */
  done(socket: Socket): void {
    const entry = this.#entries.get(socket);
    if (entry === undefined) return;
    entry.timer.clear();
    socket.removeListener("close", entry.onClose);
    this.#entries.delete(socket);
    if (entry.key !== undefined) this.#byAddresses.delete(entry.key);
    entry.release();
  }

  /** The socket below one of TLS: Node does not tell, but no two connections have the same addresses. */
  below(socket: Socket): Socket | undefined {
    const key = addressesOf(socket);
    return key === undefined ? undefined : this.#byAddresses.get(key);
  }

  /** Destroy all that are still counted. */
  close(): void {
    for (const socket of this.#entries.keys()) {
      this.done(socket);
      socket.destroy();
    }
  }
}

function addressesOf(socket: Socket): string | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return remoteAddress === undefined
    ? undefined
    : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
