// One direction of a connection within the process: a bounded queue of bytes that arrive in order, after the
// latency, until the end or a reset.
import { HoldfastError } from "@holdfast/core";
import type { Clock, Timer } from "@holdfast/core";

interface OnTheWay {
  readonly at: number;
  readonly what: Uint8Array | "end" | "reset";
}

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: HoldfastError) => void;
}

export class MemoryPipe {
  /** Bytes arrived. */
  onBytes: () => void = () => undefined;
  /** No byte will come any more: the end was read (`undefined`), or the other side reset the connection. */
  onOver: (error: HoldfastError | undefined) => void = () => undefined;

  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #maxBytes: number;
  readonly #timer: Timer;
  /** With `#arrived`, bounded by `maxBytes`: a writer waits beyond it. */
  readonly #onTheWay: OnTheWay[] = [];
  /** See `#onTheWay`: the two share one limit. */
  readonly #arrived: Uint8Array[] = [];
  /** One for each `receive` that waits. */
  readonly #readers: Waiter<Uint8Array | undefined>[] = [];
  /** One for each `send` that waits. */
  readonly #writers: Waiter<void>[] = [];
  #bytes = 0;
  #deliveryDue = false;
  #sentEnd = false;
  #over: { readonly error: HoldfastError | undefined } | undefined;
  #told = false;

  constructor(clock: Clock, latencyMs: number, maxBytes: number) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#maxBytes = maxBytes;
    this.#timer = clock.timer(() => this.#deliver());
  }

  /** Queue a copy of the bytes. Resolves when the queue has room again. */
  send(bytes: Uint8Array): Promise<void> {
    if (this.#over !== undefined || this.#sentEnd) return Promise.reject(this.#over?.error ?? ended());
    this.#bytes += bytes.length;
    this.#push(bytes.slice());
    if (this.#bytes < this.#maxBytes) return Promise.resolve();
    return new Promise((resolve, reject) => this.#writers.push({ resolve, reject }));
  }

  end(): void {
    if (this.#sentEnd || this.#over !== undefined) return;
    this.#sentEnd = true;
    this.#push("end");
  }

  /** The writer breaks it: nothing more arrives but the news of it. */
  reset(): void {
    if (this.#over !== undefined) return;
    this.#sentEnd = true;
    this.#onTheWay.length = 0;
    this.#push("reset");
    this.#fail(this.#writers, broken("local"));
  }

  /** The reader is gone: what is queued is dropped, now and without a report. */
  drop(): void {
    this.#told = true;
    this.#finish(broken("peer"));
  }

  receive(): Promise<Uint8Array | undefined> {
    const bytes = this.#arrived.shift();
    if (bytes !== undefined) {
      this.#bytes -= bytes.length;
      if (this.#bytes < this.#maxBytes) for (const writer of this.#writers.splice(0)) writer.resolve();
      if (this.#arrived.length === 0) this.#tell();
      return Promise.resolve(bytes);
    }
    if (this.#over === undefined)
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    return this.#over.error === undefined ? Promise.resolve(undefined) : Promise.reject(this.#over.error);
  }

  #push(what: OnTheWay["what"]): void {
    this.#onTheWay.push({ at: this.#clock.mono() + this.#latencyMs, what });
    if (this.#latencyMs > 0) {
      if (this.#onTheWay.length === 1) this.#timer.set(this.#latencyMs);
    } else if (!this.#deliveryDue) {
      this.#deliveryDue = true;
      // Never inside the sender's own step: the other side may send in answer.
      void Promise.resolve().then(() => this.#deliver());
    }
  }

  #deliver(): void {
    this.#deliveryDue = false;
    const now = this.#clock.mono();
    for (let next = this.#onTheWay[0]; next !== undefined; next = this.#onTheWay[0]) {
      if (next.at > now) return this.#timer.set(next.at - now);
      this.#onTheWay.shift();
      this.#arrive(next.what);
    }
  }

  #arrive(what: OnTheWay["what"]): void {
    if (this.#over !== undefined) return;
    if (what === "reset") return this.#finish(broken("peer"));
    if (what === "end") return this.#finish(undefined);
    this.#arrived.push(what);
    const reader = this.#readers.shift();
    if (reader !== undefined) void this.receive().then(reader.resolve, reader.reject);
    this.onBytes();
  }

  #finish(error: HoldfastError | undefined): void {
    if (this.#over !== undefined) return;
    this.#over = { error };
    this.#timer.clear();
    this.#onTheWay.length = 0;
    if (error === undefined) {
      for (const reader of this.#readers.splice(0)) reader.resolve(undefined);
    } else {
      this.#arrived.length = 0;
      this.#bytes = 0;
      this.#fail(this.#readers, error);
      this.#fail(this.#writers, error);
    }
    if (this.#arrived.length === 0) this.#tell();
  }

  /** Once, and not before the last byte was read: whoever hears of the end may throw the rest away. */
  #tell(): void {
    if (this.#over === undefined || this.#told) return;
    this.#told = true;
    this.onOver(this.#over.error);
  }

  #fail<T>(waiters: Waiter<T>[], error: HoldfastError): void {
    for (const waiter of waiters.splice(0)) waiter.reject(error);
  }
}

function broken(fault: "local" | "peer"): HoldfastError {
  return new HoldfastError({ code: "connection_reset", message: "the connection was reset", fault });
}

function ended(): HoldfastError {
  return new HoldfastError({
    code: "already_ended",
    message: "this side has ended its direction",
    fault: "local",
  });
}
