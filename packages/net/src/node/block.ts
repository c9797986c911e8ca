// Memory that bulk data is read into and sent on from without a copy: blocks that are used again as soon as nobody
// needs what is in them. The same few blocks, still in the processor's cache, carry any amount.

/** As large as a read gets. */
export const BLOCK_BYTES: number = 256 * 1_024;
/** The rest of a block is read into as well, but not down to the last byte. */
const LEAST_READ_BYTES = 64 * 1_024;
/** Blocks that sockets read into now, at most: 32 MiB. What was read is counted by the session that sends it on. */
const MOST_CURRENT = 128;

/** Blocks that nobody uses, at most `MOST_SPARE`; the last one first, because it is the warmest. */
const spare: Block[] = [];
const MOST_SPARE = 128;
let current = 0;

export class Block {
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = 0;
  /** Parts that somebody still needs. */
  #held = 0;
  #current = true;

  /** A block to read into; nothing if there are too many. */
  static take(): Block | undefined {
    if (current >= MOST_CURRENT) return undefined;
    current += 1;
    const block = spare.pop() ?? new Block();
    block.#used = 0;
    block.#current = true;
    return block;
  }

  /** Where the next read goes. */
  get room(): Buffer {
    return this.#used === 0 ? this.#bytes : this.#bytes.subarray(this.#used);
  }

  /** There is not enough room left for another read. */
  get full(): boolean {
    return BLOCK_BYTES - this.#used < LEAST_READ_BYTES;
  }

  /** The next `count` bytes were read into. They are kept until `release` is called as often as this. */
  hold(count: number): Buffer {
    const from = this.#used;
    this.#used += count;
    this.#held += 1;
    return this.#bytes.subarray(from, this.#used);
  }

  readonly release = (): void => {
    this.#held -= 1;
    this.#spare();
  };

  /** Nothing is read into it any more. */
  leave(): void {
    this.#current = false;
    current -= 1;
    this.#spare();
  }

  #spare(): void {
    if (!this.#current && this.#held === 0 && spare.length < MOST_SPARE) spare.push(this);
  }
}
