// A value that others watch: level-triggered, any number of readers, no queue. A slow reader misses values in
// between and never the last one.

export class Watch<T> {
  #value: T;
  #version = 0;
  #ended = false;
  /** One for each `next()` that has not been answered. */
  readonly #waiting = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (this.#ended) return;
    this.#value = value;
    this.#version += 1;
    this.#release();
  }

  /** No more values: every reader gets the last one, if it has not seen it, and ends. */
  end(): void {
    this.#ended = true;
    this.#release();
  }

  /** The present value first. Each call has a cursor of its own; `return()` or the signal lets go of it. */
  changes(signal?: AbortLike): AsyncIterableIterator<T> {
    return new Cursor(this, signal);
  }

  /** The value, if it is newer than `seen`; otherwise wait for one. `undefined`: there will be none. */
  async newer(seen: number, stopped: AbortLike): Promise<{ value: T; version: number } | undefined> {
    while (this.#version <= seen && !this.#ended && !stopped.aborted) await this.#change(stopped);
    if (stopped.aborted || this.#version <= seen) return undefined;
    return { value: this.#value, version: this.#version };
  }

  #change(stopped: AbortLike): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        stopped.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      stopped.addEventListener("abort", done);
    });
  }

  #release(): void {
    for (const release of this.#waiting) release();
  }
}

/** As much of an `AbortSignal` as a reader needs. */
interface AbortLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

class Cursor<T> implements AsyncIterableIterator<T> {
  readonly #watch: Watch<T>;
  readonly #stop = new Stop();
  readonly #release: () => void;
  #seen = -1;

  constructor(watch: Watch<T>, signal: AbortLike | undefined) {
    this.#watch = watch;
    const stop = (): void => this.#stop.abort();
    signal?.addEventListener("abort", stop);
    this.#release = (): void => signal?.removeEventListener("abort", stop);
    if (signal?.aborted) stop();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const found = await this.#watch.newer(this.#seen, this.#stop);
    if (found === undefined) return this.return();
    this.#seen = found.version;
    return { done: false, value: found.value };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#stop.abort();
    this.#release();
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** The smallest thing that can be aborted; readers need no real `AbortController`. */
class Stop implements AbortLike {
  aborted = false;
  /** One for each wait of its reader. */
  readonly #listeners = new Set<() => void>();

  abort(): void {
    this.aborted = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
