// The framing of the bore wire: JSON text that ends with one zero byte, at most 256 bytes of it. Bytes go in,
// frames come out; no input or output of its own.
import { HoldfastError } from "@holdfast/core";

/** The longest frame that either side accepts, in bytes, the zero byte not counted. */
export const MAX_FRAME_BYTES: number = 256;

const NONE: Uint8Array = new Uint8Array(0);

/** Cuts a byte stream into frames. What lies behind the last frame taken stays available as `rest()`. */
export class FrameDecoder {
  #buffer: Uint8Array = NONE;
  #ended = false;
  #terminated = true;

  /** Whether the frame that was taken last had its zero byte; if not, the stream may have been cut within it. */
  get terminated(): boolean {
    return this.#terminated;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#buffer.length === 0) {
      this.#buffer = chunk;
      return;
    }
    const joined = new Uint8Array(this.#buffer.length + chunk.length);
    joined.set(this.#buffer);
    joined.set(chunk, this.#buffer.length);
    this.#buffer = joined;
  }

  /** The stream has ended: an unterminated remainder becomes the last frame. */
  end(): void {
    this.#ended = true;
  }

  /**
   * The next frame without its zero byte, or `undefined` if it is not complete yet.
   * @throws HoldfastError `frame_too_long` when more than 256 bytes came without a zero byte among them.
   */
  next(): Uint8Array | undefined {
    const end = this.#buffer.subarray(0, MAX_FRAME_BYTES + 1).indexOf(0);
    if (end >= 0) return this.#take(end, end + 1);
    if (this.#buffer.length > MAX_FRAME_BYTES) throw frameTooLong();
    if (!this.#ended || this.#buffer.length === 0) return undefined;
    return this.#take(this.#buffer.length, this.#buffer.length);
  }

  /** What came behind the frames that were taken. Empties the decoder. */
  rest(): Uint8Array {
    const rest = this.#buffer;
    this.#buffer = NONE;
    return rest;
  }

  #take(length: number, consumed: number): Uint8Array {
    const frame = this.#buffer.subarray(0, length);
    this.#terminated = consumed > length;
    this.#buffer = this.#buffer.subarray(consumed);
    return frame;
  }
}

function frameTooLong(): HoldfastError {
  return new HoldfastError({
    code: "frame_too_long",
    message: `the peer sent more than ${MAX_FRAME_BYTES} bytes without the end of a message`,
    fault: "peer",
  });
}
