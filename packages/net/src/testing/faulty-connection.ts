// One connection through the proxy: the client's socket, the target's socket, and a direction each way.
import type { Socket } from "node:net";
import { resetSocket } from "../node/socket-care.ts";
import type { Direction, Fault } from "./fault.ts";
import { strikes } from "./fault.ts";
import { FaultyWay } from "./faulty-way.ts";

/** What one direction of a connection has seen, in bytes. */
export interface WayCount {
  /** Read from the sender. */
  readonly received: number;
  /** Taken by the system for the receiver. */
  readonly forwarded: number;
  /** Thrown away by faults. */
  readonly lost: number;
  /** Read, and neither forwarded nor thrown away: gone if the connection is cut now. */
  readonly inFlight: number;
}

/** A connection, as the proxy's user sees it. */
export interface ProxiedConnection {
  /** From 1, in the order of accepting. */
  readonly number: number;
  readonly up: WayCount;
  readonly down: WayCount;
  /** Settles when both sides are closed. */
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  /** Do this to it now. */
  apply(fault: Fault): void;
  /** As if no fault had ever been: goes on if no byte was lost, is reset otherwise. */
  heal(): void;
}

export class FaultyConnection implements ProxiedConnection {
  readonly number: number;
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #ways: Readonly<Record<Direction, FaultyWay>>;
  #settle!: () => void;
  #openSides = 2;

  constructor(number: number, client: Socket, target: Socket) {
    this.number = number;
    this.#client = client;
    this.#target = target;
    this.#ways = { up: new FaultyWay(client, target), down: new FaultyWay(target, client) };
    this.closed = new Promise((resolve) => (this.#settle = resolve));
    this.#watch(client, "up");
    this.#watch(target, "down");
  }

  start(): void {
    this.#ways.up.start();
    this.#ways.down.start();
  }

  get up(): WayCount {
    return countOf(this.#ways.up);
  }

  get down(): WayCount {
    return countOf(this.#ways.down);
  }

  get isClosed(): boolean {
    return this.#openSides === 0;
  }

  /** Apply the fault when so many bytes have come in the direction. */
  applyAfter(fault: Fault, after: { readonly direction: Direction; readonly bytes: number }): void {
    this.#ways[after.direction].at(after.bytes, () => this.apply(fault));
  }

  apply(fault: Fault): void {
    if (fault.kind === "reset" || fault.kind === "refuse") return this.#reset();
    if (fault.kind === "end") return this.#end();
    for (const direction of ["up", "down"] as const) {
      if (strikes(fault, direction)) this.#ways[direction].apply(fault);
    }
  }

  heal(): void {
    if (this.up.lost + this.down.lost > 0) return this.#reset();
    this.#ways.up.heal();
    this.#ways.down.heal();
    // What happened to one side behind the fault becomes known now.
    if (brokeOff(this.#client)) resetSocket(this.#target);
    if (brokeOff(this.#target)) resetSocket(this.#client);
  }

  destroy(): void {
    this.#client.destroy();
    this.#target.destroy();
  }

  #reset(): void {
    resetSocket(this.#client);
    resetSocket(this.#target);
  }

  #end(): void {
    for (const socket of [this.#client, this.#target]) {
      socket.end();
      // Whatever still comes has nowhere to go, and must not hold up the peer's own end.
      socket.removeAllListeners("data");
      socket.resume();
    }
    this.#ways.up.close();
    this.#ways.down.close();
  }

  #watch(socket: Socket, direction: Direction): void {
    const other = socket === this.#client ? this.#target : this.#client;
    socket.once("close", () => {
      if (brokeOff(socket) && !this.#ways[direction].blocked) resetSocket(other);
      if (--this.#openSides > 0) return;
      this.#ways.up.close();
      this.#ways.down.close();
      this.#settle();
    });
  }
}

function brokeOff(socket: Socket): boolean {
  return socket.closed && (!socket.readableEnded || !socket.writableFinished);
}

function countOf(way: FaultyWay): WayCount {
  const { receivedBytes, forwardedBytes, lostBytes, inFlightBytes } = way;
  return { received: receivedBytes, forwarded: forwardedBytes, lost: lostBytes, inFlight: inFlightBytes };
}
