// Something that can be looked at any time, and waited for to change. A reader that is slower than the changes misses
// those in between, never the last one.

export class Changes<T> {
  readonly #read: () => T;
  /** One for each reader that waits. */
  readonly #waiting = new Set<() => void>();
  #version = 0;
  #ended = false;

  constructor(read: () => T) {
    this.#read = read;
  }

  /** It may look different now. */
  touch(): void {
    if (this.#ended) return;
    this.#version += 1;
    for (const wake of this.#waiting) wake();
  }

  /** It looks different for the last time. */
  end(): void {
    this.touch();
    this.#ended = true;
  }

  /** The present look first, the last one last. Each call has a cursor of its own; the signal ends it. */
  async *values(signal?: AbortSignal): AsyncGenerator<T, void> {
    let seen = -1;
    while (signal?.aborted !== true) {
      if (seen !== this.#version) {
        seen = this.#version;
        yield this.#read();
      } else if (this.#ended) return;
      else await this.#change(signal);
    }
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal?.addEventListener("abort", done, { once: true });
    });
  }
}
