// One client as the relay sees it: its session, and the visitors that it carries, bind by bind.
import { KIND, type SessionStream } from "@holdfast/core/session";
import { limitKey, resetSocket, spliceStream, type Socket } from "@holdfast/net/node";
import type { AcceptedSession } from "@holdfast/net/session";
import { LOOPBACK } from "../../relay/closed-by-default.ts";
import { hex } from "../hex.ts";
import type { ControlChannel } from "../wire/control-channel.ts";
import { encodeVisitor } from "../wire/visitor-metadata.ts";
import type { Claimant } from "./lease.ts";
import type { Visitor } from "./parked-visitors.ts";

/** Visitors of one bind that the client has taken and that are not done. */
type Streams = Map<SessionStream, Socket>;

/** What a link over a unix socket has for an address. */
const UNIX_ADDRESS = "unix";

export class RelayClient {
  readonly session: AcceptedSession;
  /** Set as soon as it is there; absent only while the client is being made. */
  control: ControlChannel | undefined;
  /** When each bind was granted, in milliseconds since 1970 UTC: at most `limits.targetsPerOwner`. */
  readonly since: Map<number, number> = new Map<number, number>();
  readonly #maxStreams: number;
  readonly #onFree: (client: RelayClient) => void;
  /** At most `limits.streamsPerSession` in all. */
  readonly #streams = new Map<number, Streams>();
  #open = 0;

  /** `onFree`: a visitor is done, so another one may come. */
  constructor(session: AcceptedSession, maxStreams: number, onFree: (client: RelayClient) => void) {
    this.session = session;
    this.#maxStreams = maxStreams;
    this.#onFree = onFree;
  }

  get ended(): boolean {
    return this.session.end !== undefined;
  }

  /** Who binds, when this client does. */
  claimant(bindId: number, label: string, force: boolean): Claimant {
    const { id, hello, remoteAddress } = this.session;
    const owner = hello.ownerId === undefined ? undefined : hex(hello.ownerId);
    const from = countedAddress(remoteAddress);
    return { session: id, instance: hex(hello.instanceId), owner, bindId, label, force, from };
  }

  /** Visitors of a bind, or of all. */
  visitors(bindId?: number): number {
    return bindId === undefined ? this.#open : (this.#streams.get(bindId)?.size ?? 0);
  }

  /** Whether a visitor may come now, as far as this end knows. */
  get canCarry(): boolean {
    return this.#open < this.#maxStreams && this.session.attached && !this.ended;
  }

  /** Open a stream for a visitor. `false`: not now. */
  carry({ socket }: Visitor, bindId: number): boolean {
    const { session } = this;
    if (!this.canCarry) return false;
    const metadata = { bind: bindId, address: socket.remoteAddress, port: socket.remotePort };
    let stream: SessionStream;
    try {
      stream = session.open(KIND.tcp, encodeVisitor(metadata));
    } catch {
      // The client takes no more streams now, or goes away.
      return false;
    }
    void this.#follow(socket, stream, bindId);
    return true;
  }

  /** Break off the visitors of a bind, or all. They see a reset: what they got was not all. */
  resetVisitors(code: number, bindId?: number): void {
    for (const [id, streams] of this.#streams) {
      if (bindId !== undefined && id !== bindId) continue;
      for (const [stream, socket] of streams) {
        stream.reset(code);
        resetSocket(socket);
      }
    }
  }

  async #follow(socket: Socket, stream: SessionStream, bindId: number): Promise<void> {
    const streams: Streams = this.#streams.get(bindId) ?? new Map<SessionStream, Socket>();
    this.#streams.set(bindId, streams.set(stream, socket));
    this.#open += 1;
    await spliceStream(socket, stream, this.session);
    this.#open -= 1;
    streams.delete(stream);
    if (streams.size === 0 && this.#streams.get(bindId) === streams) this.#streams.delete(bindId);
    this.#onFree(this);
  }
}

/** All programs of this machine come from one address, and so do all clients of a proxy on it. */
function countedAddress(address: string): string | undefined {
  if (address === UNIX_ADDRESS || LOOPBACK.test(address)) return undefined;
  const key = limitKey(address);
  return LOOPBACK.test(key) ? undefined : key;
}
