// A stream of a session as a pair of web streams, for browsers and for code that is written for them.
import { HoldfastError } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { SessionHandle, StreamListener } from "./surface.ts";
import { streamFailure } from "./stream-failure.ts";

/** As much of the platform's streams as is needed, so that this compiles without its types. */
interface ReadableController {
  enqueue(bytes: Uint8Array): void;
  close(): void;
  error(reason: unknown): void;
}

interface Host<Readable, Writable> {
  ReadableStream: new (
    source: { pull(controller: ReadableController): Promise<void>; cancel(reason?: unknown): void },
    strategy: { highWaterMark: number },
  ) => Readable;
  WritableStream: new (sink: {
    start(controller: { error(reason: unknown): void }): void;
    write(bytes: Uint8Array): Promise<void>;
    close(): void;
    abort(reason?: unknown): void;
  }) => Writable;
}

/** The types that the platform declares, or `unknown` where it declares none. */
export type PlatformReadable = typeof globalThis extends { ReadableStream: { prototype: infer S } }
  ? S
  : unknown;
export type PlatformWritable = typeof globalThis extends { WritableStream: { prototype: infer S } }
  ? S
  : unknown;

export interface WebStreamPair {
  /** Of `Uint8Array`. Closes with FIN; a reset is its error. Cancelling asks the other end to stop sending. */
  readonly readable: PlatformReadable;
  /** Of `Uint8Array`, which is copied. Closing is FIN; aborting breaks both directions off. */
  readonly writable: PlatformWritable;
}

/** The stream as a `ReadableStream` and a `WritableStream`. */
export function webStream(stream: SessionStream, session: Pick<SessionHandle, "listen">): WebStreamPair {
  const { ReadableStream, WritableStream } = globalThis as unknown as Host<
    PlatformReadable,
    PlatformWritable
  >;
  const waits = new Waits();
  let broken: (reason: unknown) => void = () => undefined;
  session.listen(
    stream,
    waits.listener(() => broken(streamFailure(stream))),
  );
  const readable = new ReadableStream(
    {
      pull: (controller) => pull(stream, waits, controller),
      cancel() {
        stream.stop(RESET.noReader);
        waits.wakeReader();
      },
    },
    // Nothing is kept here: what is not asked for stays in the stream, where it is counted.
    { highWaterMark: 0 },
  );
  const writable = new WritableStream({
    start: (controller) => void (broken = (reason) => reason !== undefined && controller.error(reason)),
    write: (bytes) => write(stream, waits, bytes),
    close: () => stream.end(),
    abort: () => stream.reset(RESET.cancelled),
  });
  return { readable, writable };
}

/** Who waits for news of the stream: at most one reader and one writer. */
class Waits {
  #reader: (() => void) | undefined = undefined;
  #writer: (() => void) | undefined = undefined;

  listener(over: () => void): StreamListener {
    return {
      readable: () => this.wakeReader(),
      writable: () => this.#wakeWriter(),
      forgotten: () => {
        this.wakeReader();
        this.#wakeWriter();
        over();
      },
    };
  }

  forReader(): Promise<void> {
    return new Promise((resolve) => (this.#reader = resolve));
  }

  forWriter(): Promise<void> {
    return new Promise((resolve) => (this.#writer = resolve));
  }

  wakeReader(): void {
    const wake = this.#reader;
    this.#reader = undefined;
    wake?.();
  }

  #wakeWriter(): void {
    const wake = this.#writer;
    this.#writer = undefined;
    wake?.();
  }
}

async function pull(stream: SessionStream, waits: Waits, controller: ReadableController): Promise<void> {
  for (;;) {
    const piece = stream.read();
    if (piece !== undefined) {
      controller.enqueue(piece);
      return stream.consumed(piece.length);
    }
    const { received } = stream;
    if (received?.type === "finished") return controller.close();
    if (received !== undefined) return controller.error(streamFailure(stream));
    await waits.forReader();
  }
}

async function write(stream: SessionStream, waits: Waits, bytes: Uint8Array): Promise<void> {
  refuseIfOver(stream);
  if (stream.write(bytes.slice())) return;
  while (!stream.writable && stream.sent === undefined) await waits.forWriter();
  refuseIfOver(stream);
}

function refuseIfOver(stream: SessionStream): void {
  if (stream.sent === undefined) return;
  const message = "this side of the stream has ended";
  throw streamFailure(stream) ?? new HoldfastError({ code: "already_ended", message, fault: "local" });
}
