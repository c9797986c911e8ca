// One client that holds one port: its control connection, and the visitors that it has taken.
import type { Instant } from "@holdfast/core";
import { resetSocket, splice, type Socket } from "@holdfast/net/node";
import { encode } from "../messages.ts";
import type { Uuid } from "../uuid.ts";
import { UNKNOWN_HOLDER, type Holder } from "./port-conflict.ts";

const HEARTBEAT = encode({ type: "heartbeat" });

/** Why a tunnel ended. */
export type TunnelEnd =
  /** The client ended the control connection. */
  | "client_left"
  /** The control connection broke. */
  | "connection_lost"
  /** The client missed two probes and somebody else wanted the port. */
  | "displaced"
  | "relay_closed";

export interface RelayTunnelOptions {
  readonly port: number;
  /** The client's control connection, behind its Hello. */
  readonly socket: Socket;
  /** The address that limits go by. */
  readonly address: string;
  /** When it was opened, in milliseconds since 1970 UTC. */
  readonly since: number;
  /** What the client may leave unread before it counts as lost, in bytes. */
  readonly maxUnreadBytes: number;
  readonly onEnd: (tunnel: RelayTunnel, reason: TunnelEnd) => void;
}

export class RelayTunnel {
  readonly port: number;
  readonly address: string;
  readonly remoteAddress: string;
  readonly since: number;
  /** What is known of the client when somebody else wants its port. */
  holder: Holder = UNKNOWN_HOLDER;
  /** Visitors that wait to be taken. */
  pending = 0;
  /** When the client last took a visitor. */
  acceptedAt: Instant | undefined;

  /** The control connection. */
  readonly socket: Socket;
  readonly #maxUnreadBytes: number;
  readonly #onEnd: (tunnel: RelayTunnel, reason: TunnelEnd) => void;
  /** At most `limits.visitorsPerTunnel`. */
  readonly #streams = new Map<Socket, Socket>();
  #ended = false;
  #bytesOfEnded = 0;
  #sampledBytes = 0;
  #dataAt: Instant | undefined;

  constructor(options: RelayTunnelOptions) {
    this.port = options.port;
    this.address = options.address;
    this.since = options.since;
    this.remoteAddress = shownAddress(options.socket);
    this.socket = options.socket;
    this.#maxUnreadBytes = options.maxUnreadBytes;
    this.#onEnd = options.onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Visitors that the client has taken and that are not done. They outlive the tunnel. */
  get visitors(): number {
    return this.#streams.size;
  }

  /** Bytes that came from the client for visitors, so far. */
  get bytes(): number {
    let bytes = this.#bytesOfEnded;
    for (const data of this.#streams.keys()) bytes += data.bytesRead;
    return bytes;
  }

  /** Tell the client that it has the port, and watch for its end. */
  open(): void {
    this.socket.write(Buffer.concat([encode({ type: "hello", port: this.port }), HEARTBEAT]));
    this.socket.once("end", () => this.end("client_left"));
    this.socket.once("close", () => this.end("connection_lost"));
    this.socket.on("error", () => this.end("connection_lost"));
    if (this.socket.destroyed) return this.end("connection_lost");
    if (this.socket.readableEnded) return this.end("client_left");
    // The client has nothing to say any more; what it says all the same is thrown away.
    this.socket.resume();
  }

  /** Not while earlier ones still wait to leave: they would only pile up. */
  beat(): void {
    if (this.socket.writableLength === 0) this.socket.write(HEARTBEAT);
  }

  /** A visitor waits, or seems to. */
  offer(id: Uuid): void {
    if (this.#ended) return;
    if (this.socket.writableLength > this.#maxUnreadBytes) return this.end("connection_lost");
    this.socket.write(Buffer.concat([encode({ type: "connection", id }), HEARTBEAT]));
  }

  /** The client's connection for a visitor has come. Resolves when both are done. */
  async join(data: Socket, visitor: Socket): Promise<void> {
    this.#streams.set(data, visitor);
    await splice(data, visitor);
    this.#streams.delete(data);
    this.#bytesOfEnded += data.bytesRead;
  }

  /** When the client last sent a visitor anything, as far as looks at intervals can tell. */
  dataAt(now: Instant): Instant | undefined {
    const bytes = this.bytes;
    if (bytes !== this.#sampledBytes) {
      this.#sampledBytes = bytes;
      this.#dataAt = now;
    }
    return this.#dataAt;
  }

  /** Give the port up; whoever hears of it hangs up. Visitors that were taken go on: their connections are their own. */
  end(reason: TunnelEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(this, reason);
  }

  /** Cut the visitors that were taken. They see a reset: what they got was not all. */
  resetVisitors(): void {
    for (const [data, visitor] of this.#streams) {
      resetSocket(data);
      resetSocket(visitor);
    }
  }
}

/** The other end's address, for people: IPv4 as it is, also where it came in through IPv6. */
export function shownAddress(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, "") ?? "unknown";
}
