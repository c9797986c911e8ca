// The end of a link reaches everything that began on it: what is under way rejects, streams are destroyed, and what
// comes later is refused at once. ssh2 does neither for all of it.
import { HoldfastError } from "@holdfast/core";

export class LinkLife {
  /** One for each thing under way on the link; what is bounded there is bounded here. */
  readonly #watchers = new Set<(error: HoldfastError) => void>();
  #end: HoldfastError | undefined;

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** @throws HoldfastError `not_connected` once the link has ended. */
  check(): void {
    if (this.#end !== undefined) throw notConnected(this.#end);
  }

  /**
   * What a callback of ssh2 gives.
   * @throws HoldfastError `not_connected`, `link_lost`, or the callback's error as `explain` has it.
   */
  run<T>(
    begin: (settle: (error: Error | null | undefined, value?: T) => void) => void,
    explain: (error: Error) => HoldfastError,
  ): Promise<T> {
    if (this.#end !== undefined) return Promise.reject(notConnected(this.#end));
    return new Promise<T>((resolve, reject) => {
      const forget = this.watch(reject);
      try {
        begin((error, value) => {
          forget();
          if (error === undefined || error === null) resolve(value as T);
          // At the link's end ssh2 fails what is under way before it says that the link has ended.
          else queueMicrotask(() => reject(this.#end === undefined ? explain(error) : linkLost(this.#end)));
        });
      } catch (error) {
        forget();
        // ssh2 throws synchronously when its socket has ended already, and on what it cannot send.
        reject(/not connected/i.test((error as Error).message) ? linkLost(error) : explain(error as Error));
      }
    });
  }

  /** Destroy a stream with the link. */
  adopt(stream: {
    destroy(error?: Error): unknown;
    once(event: "close", listener: () => void): unknown;
  }): void {
    stream.once(
      "close",
      this.watch((error) => void stream.destroy(error)),
    );
  }

  /** Be told of the end, at once if it has come. Returns how to be told no more. */
  watch(watcher: (error: HoldfastError) => void): () => void {
    if (this.#end !== undefined) {
      watcher(linkLost(this.#end));
      return () => undefined;
    }
    // A watcher may be given twice.
    const own = (error: HoldfastError): void => watcher(error);
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  }

  /** True the first time. */
  end(cause: HoldfastError): boolean {
    if (this.#end !== undefined) return false;
    this.#end = cause;
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher(linkLost(cause));
    return true;
  }
}

function linkLost(cause: unknown): HoldfastError {
  const why = cause instanceof HoldfastError ? `: ${cause.text}` : "";
  return new HoldfastError({ code: "link_lost", message: `the link has ended${why}`, cause });
}

function notConnected(cause: HoldfastError): HoldfastError {
  const message = `there is no link to the machine any more: ${cause.text}`;
  return new HoldfastError({ code: "not_connected", message, cause });
}
