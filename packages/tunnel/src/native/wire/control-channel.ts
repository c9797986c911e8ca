// One end of a control stream: lines come, one after the other, and lines go. A line that takes time holds those
// behind it back, up to the stream's window, so that nobody makes the other end pile them up.
import { HoldfastError } from "@holdfast/core";
import type { SessionStream, StreamEnd } from "@holdfast/core/session";
import type { StreamListener } from "@holdfast/net/session";
import { LineReader } from "./line-reader.ts";
import { MAX_LINE_BYTES } from "./messages.ts";

export interface ControlChannelOptions {
  readonly stream: SessionStream;
  /** A line came. The next one waits for the promise. What it throws ends the channel, with `onBroken`. */
  readonly onLine: (line: string) => Promise<void> | void;
  /** The other end has ended or reset its side; once. */
  readonly onEnd: (end: StreamEnd) => void;
  /** The other end said what it must not; once. */
  readonly onBroken: (failure: HoldfastError) => void;
}

export class ControlChannel implements StreamListener {
  readonly #options: ControlChannelOptions;
  readonly #lines = new LineReader(MAX_LINE_BYTES);
  /** Lines that the stream had no room for: answers stop then, so at most one for each lease of this session. */
  readonly #unsent: Uint8Array[] = [];
  #busy = false;
  #done = false;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  send(line: Uint8Array): void {
    const { stream } = this.#options;
    if (stream.sent !== undefined) return;
    if (this.#unsent.length === 0 && stream.writable) stream.write(line);
    else this.#unsent.push(line);
  }

  /** Say nothing more. The other end may. */
  end(): void {
    this.#options.stream.end();
  }

  readable(): void {
    void this.#pump();
  }

  writable(): void {
    const { stream } = this.#options;
    while (stream.writable && stream.sent === undefined) {
      const line = this.#unsent.shift();
      if (line === undefined) break;
      stream.write(line);
    }
    void this.#pump();
  }

  forgotten(): void {
    this.#finish();
  }

  /** Lines are copied. */
  settled(): boolean {
    return false;
  }

  async #pump(): Promise<void> {
    if (this.#busy || this.#done) return;
    this.#busy = true;
    try {
      while (!this.#done && this.#unsent.length === 0) {
        const line = this.#nextLine();
        if (line === undefined) break;
        const handled = this.#options.onLine(line);
        if (handled !== undefined) await handled;
      }
    } catch (thrown) {
      this.#fail(HoldfastError.from(thrown));
    }
    this.#busy = false;
    if (this.#unsent.length === 0) this.#finish();
  }

  #nextLine(): string | undefined {
    const { stream } = this.#options;
    for (;;) {
      const line = this.#lines.next();
      if (line !== undefined) return line;
      const piece = stream.read();
      if (piece === undefined) return undefined;
      this.#lines.feed(piece);
      stream.consumed(piece.length);
    }
  }

  #finish(): void {
    const { stream, onEnd } = this.#options;
    if (this.#done || this.#busy || stream.received === undefined || stream.readableBytes > 0) return;
    this.#done = true;
    onEnd(stream.received);
  }

  #fail(failure: HoldfastError): void {
    if (this.#done) return;
    this.#done = true;
    this.#options.onBroken(failure);
  }
}
