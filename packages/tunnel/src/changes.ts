// Something that can be looked at any time, and waited for to change. A reader that is slower than the changes
// misses those in between, never the last one.

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
    this.#version += 1;
    this.#wakeAll();
  }

  /** It looks different for the last time. */
  end(): void {
    this.#ended = true;
    this.touch();
  }

  /** The present look first, the last one last. Each call has a cursor of its own. */
  values(): AsyncIterableIterator<T> {
    let seen = -1;
    let done = false;
    let wake: (() => void) | undefined;
    const next = async (): Promise<IteratorResult<T>> => {
      while (!done && seen === this.#version && !this.#ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          this.#waiting.add(resolve);
        });
      }
      if (done || seen === this.#version) return { done: true, value: undefined };
      seen = this.#version;
      return { done: false, value: this.#read() };
    };
    const finish = (): Promise<IteratorResult<T>> => {
      done = true;
      if (wake !== undefined) this.#waiting.delete(wake);
      wake?.();
      return Promise.resolve({ done: true, value: undefined });
    };
    return { next, return: finish, [Symbol.asyncIterator]: iteratorItself };
  }

  #wakeAll(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

function iteratorItself<T>(this: AsyncIterableIterator<T>): AsyncIterableIterator<T> {
  return this;
}
