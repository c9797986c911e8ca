// A queue that gives up its first at once, however long it is: `shift` of an array moves all that stand behind.

/** How many given-up places may stand before the first. */
const MOST_EMPTY = 256;

export class Fifo<T> {
  /** Bounded by whoever adds: at most `MOST_EMPTY` given-up places, or as many as there are items. */
  #items: T[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  get first(): T | undefined {
    return this.#items[this.#first];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Put another in the place of the first. */
  replaceFirst(item: T): void {
    this.#items[this.#first] = item;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#first += 1;
    if (this.#first > MOST_EMPTY && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Keep the first `length`, drop the rest. */
  truncate(length: number): void {
    this.#items.length = Math.min(this.#items.length, this.#first + length);
  }
}
