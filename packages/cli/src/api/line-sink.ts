// The lines of an api on stdout. Answers wait for their reader; events do not, and are counted if it is slow.
import { errorLine, type OutputLine } from "@holdfast/control";
import type { HoldfastError } from "@holdfast/core";
import { ByteSink } from "../machine/byte-sink.ts";

/** What may wait for a reader before events are left out, and before no more is read from whoever asks. */
const MAX_QUEUED_BYTES = 1_048_576;
const CROWDED_BYTES = 16_777_216;

export class LineSink {
  readonly #stream: NodeJS.WriteStream;
  readonly #bytes: ByteSink;
  #missed = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#bytes = new ByteSink(stream);
  }

  /** A line with its end. Resolves when there is room for more; never rejects. */
  async answer(line: string): Promise<void> {
    await this.#bytes.write(line);
    this.#catchUp();
  }

  /** Something that is said once, and in its place. */
  say(line: OutputLine): void {
    void this.#bytes.write(`${JSON.stringify(line)}\n`);
  }

  /** Something that may be left out. */
  event(line: OutputLine): void {
    if (this.#stream.writableLength > MAX_QUEUED_BYTES) this.#missed += 1;
    else this.say(line);
  }

  /** So much waits for the reader that nothing more should be asked for. */
  get crowded(): boolean {
    return this.#stream.writableLength > CROWDED_BYTES;
  }

  /** Resolves when the reader has caught up. */
  async room(): Promise<void> {
    await this.#bytes.room();
  }

  error(failure: HoldfastError): void {
    this.say(errorLine(failure));
  }

  #catchUp(): void {
    if (this.#missed === 0 || this.#stream.writableLength > MAX_QUEUED_BYTES) return;
    const count = this.#missed;
    this.#missed = 0;
    this.say({ type: "missed", count });
  }
}
