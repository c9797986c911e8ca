// A queue in which taking from the front costs as little as adding at the end, however long it is: a ring that
// doubles when it is full. Whoever keeps one says what bounds it.

const ROOM_TO_KEEP = 256;

export class Fifo<T> {
  // Bounded by the owner, who knows what it collects and the limit of that.
  #ring: (T | undefined)[] = emptyRing();
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length += 1;
  }

  /** The item that is `index` behind the front. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#ring[(this.#head + index) & (this.#ring.length - 1)] : undefined;
  }

  peek(): T | undefined {
    return this.#ring[this.#head];
  }

  last(): T | undefined {
    return this.#length === 0 ? undefined : this.at(this.#length - 1);
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length -= 1;
    if (this.#length === 0 && this.#ring.length > ROOM_TO_KEEP) this.clear();
    return item;
  }

  clear(): void {
    this.#ring = emptyRing();
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const ordered = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)];
    ordered.length *= 2;
    // Holes would make every later access slow.
    ordered.fill(undefined, this.#length);
    this.#ring = ordered;
    this.#head = 0;
  }
}

function emptyRing(): undefined[] {
  return [undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined];
}
