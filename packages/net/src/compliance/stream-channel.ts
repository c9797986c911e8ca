// The bytes of a session's stream, in the way in which the suite's cases move bytes.
import type { SessionStream } from "@holdfast/core/session";
import type { SessionHandle, StreamListener } from "../session/surface.ts";
import { streamFailure } from "../session/stream-failure.ts";
import type { ByteChannel } from "./arena.ts";

export interface StreamChannel extends ByteChannel {
  readonly stream: SessionStream;
  /** Settles when the session has forgotten the stream. */
  readonly forgotten: Promise<void>;
}

/** Open a stream. */
export function openChannel(session: SessionHandle, metadata: string): StreamChannel {
  const waits = new Waits();
  return channel(session.open(1, Buffer.from(metadata), waits), waits);
}

/** A stream that the other end opened. */
export function acceptChannel(session: SessionHandle, stream: SessionStream): StreamChannel {
  const waits = new Waits();
  session.listen(stream, waits);
  return channel(stream, waits);
}

/** Whoever waits is woken by all news, and looks for itself. */
class Waits implements StreamListener {
  readonly forgottenOnce: Promise<void>;
  #wake: (() => void)[] = [];
  #forget: () => void = () => undefined;

  constructor() {
    this.forgottenOnce = new Promise((resolve) => (this.#forget = resolve));
  }

  news(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  readable(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  writable(): void {
    this.readable();
  }

  forgotten(): void {
    this.readable();
    this.#forget();
  }
}

function channel(stream: SessionStream, waits: Waits): StreamChannel {
  return {
    stream,
    forgotten: waits.forgottenOnce,
    async send(bytes) {
      if (stream.sent !== undefined) throw streamFailure(stream) ?? new Error("this side has ended");
      stream.write(bytes);
      while (!stream.writable && stream.sent === undefined) await waits.news();
      if (stream.sent !== undefined) throw streamFailure(stream) ?? new Error("this side has ended");
    },
    async receive() {
      for (;;) {
        const piece = stream.read();
        if (piece !== undefined) {
          // As the bytes are now: a session whose memory is used again too soon shows here.
          const copy = Buffer.from(piece);
          stream.consumed(piece.length);
          return copy;
        }
        if (stream.received?.type === "finished") return undefined;
        if (stream.received !== undefined) throw streamFailure(stream) ?? new Error("reset");
        await waits.news();
      }
    },
    end: () => stream.end(),
    reset: () => stream.reset(),
  };
}
