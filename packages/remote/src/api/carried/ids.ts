// One space of ids for everything that outlives its request: processes, tunnels, listeners.

export class Ids {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}
