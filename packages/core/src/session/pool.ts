// An amount that several owners share: taken while there is some, given back when it is done with.

export class Pool {
  readonly size: number;
  #free: number;

  constructor(size: number) {
    this.size = size;
    this.#free = size;
  }

  get free(): number {
    return this.#free;
  }

  /** Take all of it, or nothing. */
  take(amount: number): boolean {
    if (amount > this.#free) return false;
    this.#free -= amount;
    return true;
  }

  give(amount: number): void {
    this.#free += amount;
  }
}
