// Proper streams over the channels of ssh2, whose own cannot be destroyed with an error and leave a write without an
// answer when the channel closes.
import { Duplex, Readable, Writable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { ClientChannel } from "./library.ts";

/** What of a channel's output stands beside what ssh2 keeps (its window: 2 MiB). */
const READ_AHEAD_BYTES = 65_536;

/** A connection: half-closable, back-pressured both ways. Its end closes the channel. */
export class ChannelDuplex extends Duplex {
  readonly #channel: ClientChannel;
  readonly #write: ChannelWriter;

  constructor(channel: ClientChannel) {
    super({ allowHalfOpen: true, readableHighWaterMark: READ_AHEAD_BYTES });
    this.#channel = channel;
    this.#write = new ChannelWriter(channel);
    pull(channel, this);
    channel.once("close", () => {
      // After the last byte was pulled. A side that still writes learns of it.
      this.#write.close();
      if (!this.writableFinished && !this.destroyed && !this.writableEnded) this.destroy(closedByPeer());
    });
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#write.send(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    discard(this.#channel);
    this.#write.close();
    done(error);
  }
}

/** Takes something out of an output before it is read. */
export interface OutputFilter {
  take(chunk: Buffer): Buffer;
  flush(): Buffer;
}

/** A process's stdout or stderr. Destroying it drops what else comes. */
export class ChannelOutput extends Readable {
  readonly #source: Readable;

  constructor(source: Readable, filter?: OutputFilter) {
    super({ highWaterMark: READ_AHEAD_BYTES });
    this.#source = source;
    pull(source, this, filter);
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.resume();
    done(error);
  }
}

/** A process's stdin. */
export class ChannelInput extends Writable {
  readonly #channel: ClientChannel;
  readonly #write: ChannelWriter;

  constructor(channel: ClientChannel) {
    super({ highWaterMark: READ_AHEAD_BYTES });
    this.#channel = channel;
    this.#write = new ChannelWriter(channel);
    channel.once("close", () => {
      this.#write.close();
      if (!this.writableEnded) this.destroy();
    });
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#write.send(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#channel.end();
    this.#write.close();
    done(error);
  }
}

/** Answers every write, also one that the channel forgets when it closes. */
class ChannelWriter {
  readonly #channel: ClientChannel;
  #pending: ((error?: Error | null) => void) | undefined;
  #closed = false;

  constructor(channel: ClientChannel) {
    this.#channel = channel;
  }

  send(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.#closed || !this.#channel.writable) return done(closedByPeer());
    this.#pending = done;
    this.#channel.write(chunk, () => this.#answer());
  }

  close(): void {
    this.#closed = true;
    this.#answer(closedByPeer());
  }

  #answer(error?: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.(error);
  }
}

/** Hand over what comes, as fast as it is taken. */
function pull(source: Readable, to: Readable, filter?: OutputFilter): void {
  source.on("data", (chunk: Buffer) => {
    const shown = filter === undefined ? chunk : filter.take(chunk);
    if (shown.length > 0 && !to.destroyed && !to.push(shown)) source.pause();
  });
  source.once("end", () => {
    const rest = filter?.flush();
    if (to.destroyed) return;
    if (rest !== undefined && rest.length > 0) to.push(rest);
    to.push(null);
  });
}

/** Close a channel of which nobody wants anything any more, and let what still comes go by. */
export function discard(channel: ClientChannel): void {
  channel.on("error", () => undefined);
  channel.close();
  channel.resume();
  channel.stderr.resume();
}

function closedByPeer(): HoldfastError {
  const message = "the far side closed the connection";
  return new HoldfastError({ code: "connection_reset", message, fault: "peer" });
}
