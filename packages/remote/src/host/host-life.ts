// The life of a link to this machine: it ends once, and everything that it started with it.
import { setMaxListeners } from "node:events";
import { HoldfastError } from "@holdfast/core";

type End = (reason: HoldfastError) => void;

export class HostLife {
  /** What each thing that has not ended does at the end: bounded by the limits of processes, ports and connections. */
  readonly #ends = new Set<End>();
  readonly #controller = new AbortController();
  #reason: HoldfastError | undefined = undefined;
  /** One for each group of processes that was asked to end and has not yet. */
  readonly #leaving = new Set<Promise<void>>();

  constructor() {
    // One for each dial under way: many are no leak.
    setMaxListeners(0, this.#controller.signal);
  }

  /** Aborted with `link_lost` at the end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Call this at the end, unless the returned function was called before. At once if it is over already. */
  atEnd(end: End): () => void {
    if (this.#reason !== undefined) {
      end(this.#reason);
      return () => undefined;
    }
    this.#ends.add(end);
    return () => void this.#ends.delete(end);
  }

  /** A group of processes is about to end. @returns what to call when it has. */
  leaving(): () => void {
    let left: () => void = () => undefined;
    const leaving = new Promise<void>((resolve) => (left = resolve));
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
    return left;
  }

  /** Settles when all that was asked to end at the end has gone, or was killed. */
  async gone(): Promise<void> {
    await Promise.all(this.#leaving);
  }

  /**
   * What the work gives, if it comes before the end. What comes later is handed to `discard`.
   * @throws HoldfastError `not_connected` if the link ended before, `link_lost` if it ends meanwhile.
   */
  run<T>(work: () => Promise<T>, discard?: (late: T) => void): Promise<T> {
    if (this.#reason !== undefined) return Promise.reject(notConnected());
    return new Promise((resolve, reject) => {
      let lost = false;
      const forget = this.atEnd((reason) => {
        lost = true;
        reject(reason);
      });
      work().then(
        (value) => {
          forget();
          if (lost) discard?.(value);
          else resolve(value);
        },
        (error: unknown) => {
          forget();
          reject(HoldfastError.from(error));
        },
      );
    });
  }

  end(): void {
    if (this.#reason !== undefined) return;
    const message = "the link to this machine was closed";
    const reason = new HoldfastError({ code: "link_lost", message, fault: "local" });
    this.#reason = reason;
    for (const end of this.#ends) end(reason);
    this.#ends.clear();
    this.#controller.abort(reason);
  }
}

function notConnected(): HoldfastError {
  const message = "the link to this machine has ended";
  return new HoldfastError({
    code: "not_connected",
    message,
    fault: "local",
    hint: "ask the connection's next link",
  });
}
