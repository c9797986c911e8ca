// What an application holds of a stream: an ordered, reliable, flow-controlled, half-closable sequence of bytes
// that outlives links.

/** How one direction of a stream came to its end. */
export type StreamEnd =
  /** The far application ended it, and all its bytes are here. */
  | { readonly type: "finished" }
  /** It was broken off: what came is not all. `by` says who did it. */
  | { readonly type: "reset"; readonly code: number; readonly by: "peer" | "us" };

export interface SessionStream {
  readonly id: number;
  /** See `KIND`. */
  readonly kind: number;
  /** What the opener said when it opened the stream. At most 4,094 bytes. */
  readonly metadata: Uint8Array;
  /** Whether the other end opened it. */
  readonly fromPeer: boolean;

  /** Bytes that were written and are not yet in a frame. */
  readonly queuedBytes: number;
  /** Whether a write makes sense now: the sending side is open and the queue is below its limit. */
  readonly writable: boolean;
  /**
   * Hand bytes over, without a copy: do not change them afterwards (fewer than 2 KiB are copied when their frame is
   * made). Possible in any state of the link.
   * @param released called when the other end has all of them and their memory may be used again, from within
   * `receive` or `resume`: it must do nothing else. Never called for bytes that were dropped, or whose session ended.
   * @returns `false` when the queue is full now (these bytes were taken): wait for the event `writable`. Bytes for a
   * side that has ended are dropped.
   * @throws HoldfastError `queue_full` (fatal) if it was full before; `datagrams_only` (fatal) on a flow of datagrams.
   */
  write(bytes: Uint8Array, released?: () => void): boolean;
  /** No more bytes will be written: FIN, behind all that was written. Safe to call again. */
  end(): void;
  /** Break both directions off; after our own FIN went out, the other one. What waits is dropped. Default code `cancelled`. Safe to call again. */
  reset(code?: number): void;
  /** Ask the other end to stop sending; what still comes is thrown away. The sending side lives on. Default `noReader`. */
  stop(code?: number): void;

  /** Bytes that came and were not read yet. */
  readonly readableBytes: number;
  /** The next piece that came, or nothing. It counts against the window until `consumed`. */
  read(): Uint8Array | undefined;
  /** So many of the bytes that were read are done with: the other end may send as many more. More than was read does not count. */
  consumed(bytes: number): void;

  /** How the receiving side ended. Bytes that were received before a FIN or a reset can still be read. */
  readonly received: StreamEnd | undefined;
  /** How the sending side ended; set when FIN or RESET was asked for. */
  readonly sent: StreamEnd | undefined;
  /** Bytes of data that went into frames, and that came. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** For the application: whatever it wants to find here again. */
  context: unknown;
}
