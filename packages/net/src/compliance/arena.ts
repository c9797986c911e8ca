// What the compliance suite needs of a transport: somebody to connect to, and the bytes of both ends.
import type { Dial, Link } from "../link.ts";

/** The bytes of one end of a connection, in whichever way the transport moves them. */
export interface ByteChannel {
  /** Resolves when there is room for more. Rejects if the connection is broken. */
  send(bytes: Uint8Array): Promise<void>;
  /** The next bytes; `undefined` after the other side's `end()`. Rejects if the connection is broken. */
  receive(): Promise<Uint8Array | undefined>;
  /** Nothing more will be sent; the other direction goes on. */
  end(): void;
  /** Break the connection, so that the other side sees it broken. */
  reset(): void;
}

/** A transport with a peer to talk to. Made anew for each case. */
export interface Arena<L extends Link> {
  /** Connects to the peer that `accept` speaks for. */
  readonly dial: Dial<L, unknown>;
  /** The peer's end of the next connection, in the order of dialling. */
  accept(): Promise<ByteChannel>;
  /** The bytes of a link. Called once for each, right after the dial. */
  channel(link: L): ByteChannel;
  /** Connects to where nobody listens. */
  readonly refused: Dial<L, unknown>;
  /** A dial to where nobody answers. Only a transport that is excepted from `silence` may lack it. */
  readonly silent?: () => Promise<Dial<L, unknown>>;
  /** How many connections and timers of the dialling side are open now. */
  openHandles(): number;
  close(): Promise<void>;
}
