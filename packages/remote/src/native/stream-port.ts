// A stream of a session for code that reads and writes one thing after the other, and waits while it cannot.
import type { HoldfastError } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { SessionHandle, StreamListener } from "@holdfast/net/session";
import { linkLost, streamBroken } from "./failures.ts";

export type PortSession = Pick<SessionHandle, "listen" | "end">;

interface Waiter {
  readonly resolve: () => void;
}

export class StreamPort implements StreamListener {
  readonly stream: SessionStream;
  readonly #session: PortSession;
  #reader: Waiter | undefined = undefined;
  #writer: Waiter | undefined = undefined;
  #aborted: HoldfastError | undefined = undefined;
  #forgotten = false;
  /** Called when the stream was broken off by the other end, or with its session. Not for an orderly end. */
  onBroken: (() => void) | undefined = undefined;

  constructor(stream: SessionStream, session: PortSession) {
    this.stream = stream;
    this.#session = session;
    session.listen(stream, this);
  }

  /** The next bytes; `undefined` after the last. @throws HoldfastError `link_lost`, `stream_reset`, or what `abort` was given. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#aborted !== undefined) throw this.#aborted;
      const piece = this.stream.read();
      if (piece !== undefined) {
        this.stream.consumed(piece.length);
        return piece;
      }
      const { received } = this.stream;
      if (received?.type === "finished") return undefined;
      if (received !== undefined || this.#forgotten) throw this.#broken();
      await new Promise<void>((resolve) => (this.#reader = { resolve }));
      this.#reader = undefined;
    }
  }

  /**
   * Resolves when there is room for more. The bytes are not copied: do not change them afterwards.
   * @returns `false` if the other end reads no more.
   * @throws HoldfastError `link_lost`, or what `abort` was given.
   */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#aborted !== undefined) throw this.#aborted;
    await this.#room();
    if (this.stream.sent !== undefined) return false;
    if (!this.stream.write(bytes)) await this.#room();
    return this.stream.sent === undefined;
  }

  end(): void {
    this.stream.end();
  }

  /** No more of what the other end says is wanted. What was written still goes. */
  stop(): void {
    this.onBroken = undefined;
    this.stream.stop();
  }

  /** Break it off: what waits here rejects with the failure. */
  abort(failure: HoldfastError, code: number = RESET.cancelled): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = failure;
    this.stream.reset(code);
    this.#wake();
  }

  readable(): void {
    this.#reader?.resolve();
    this.#noteBroken();
  }

  writable(): void {
    this.#writer?.resolve();
    this.#noteBroken();
  }

  forgotten(): void {
    this.#forgotten = true;
    this.#wake();
    this.#noteBroken();
  }

  async #room(): Promise<void> {
    while (!this.stream.writable && this.stream.sent === undefined && !this.#forgotten) {
      await new Promise<void>((resolve) => (this.#writer = { resolve }));
      this.#writer = undefined;
      if (this.#aborted !== undefined) throw this.#aborted;
    }
    if (this.#aborted !== undefined) throw this.#aborted;
    if (this.#session.end !== undefined) throw linkLost(this.#session.end.error);
  }

  #wake(): void {
    this.#reader?.resolve();
    this.#writer?.resolve();
  }

  #broken(): HoldfastError {
    return streamBroken(this.stream, this.#session) ?? linkLost();
  }

  #noteBroken(): void {
    const { received } = this.stream;
    if (received?.type !== "reset" && !(this.#forgotten && this.#session.end !== undefined)) return;
    const tell = this.onBroken;
    this.onBroken = undefined;
    tell?.();
  }
}
