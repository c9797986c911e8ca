// The memory that sockets are read into: small for those that say little, large for those that fill it. What somebody
// still holds of it is left alone; the rest is read into again.

/** What most sockets of visitors never fill; one that does gets a large buffer, or the next best. */
const FIRST_BYTES = 4 * 1024;
const MEDIUM_BYTES = 64 * 1024;
/** As large as a buffer gets; a read that filled one fills the next, too. */
export const LARGE_BYTES: number = 256 * 1024;
/** Large buffers of all sockets together: 32 MiB. They are kept for the next socket. */
const MAX_LARGE = 128;

const NOTHING: Buffer = Buffer.alloc(0);

/** Large buffers that no socket has, at most `MAX_LARGE`. */
const spare: Buffer[] = [];
let largeInUse = 0;

/** The memory of one socket. */
export class ReadMemory {
  /** Nobody holds anything of it: read into it from its beginning. Never empty, until `release`. */
  region: Buffer;
  #size = FIRST_BYTES;

  constructor() {
    this.region = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** The first `count` bytes were read into, and taken. `kept`: somebody still holds them. `filled`: it was too small. */
  used(count: number, kept: boolean, filled: boolean = count === this.region.length): void {
    if (kept) this.region = this.region.subarray(count);
    if (filled && this.#grow()) return this.#renew();
    // A rest goes on being used, so that what is kept lies close together, but not down to the last byte.
    if (this.region.length < (filled ? this.#size : this.#size / 4)) this.#renew();
  }

  /** The socket is done. `unused`: nobody holds the bytes that were taken last. */
  release(unused: boolean): void {
    if (this.#size === LARGE_BYTES) {
      largeInUse -= 1;
      if (unused && this.region.length === LARGE_BYTES) spare.push(this.region);
    }
    this.#size = 0;
    this.region = NOTHING;
  }

  #grow(): boolean {
    if (this.#size === LARGE_BYTES) return false;
    if (largeInUse < MAX_LARGE) {
      largeInUse += 1;
      this.#size = LARGE_BYTES;
      return true;
    }
    if (this.#size === MEDIUM_BYTES) return false;
    this.#size = MEDIUM_BYTES;
    return true;
  }

  #renew(): void {
    const large = this.#size === LARGE_BYTES ? spare.pop() : undefined;
    this.region = large ?? Buffer.allocUnsafeSlow(this.#size);
  }
}
