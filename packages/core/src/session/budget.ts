// What one session keeps in its queues and its log, against the pool that all sessions of a process share. The pool
// never makes a session drop anything; when it is spent, every session keeps to the least that lets it go on.
import type { Pool } from "./pool.ts";

export class Budget {
  readonly #pool: Pool;
  #kept = 0;
  #taken = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  keep(bytes: number): void {
    this.#kept += bytes;
    if (this.#pool.take(bytes)) this.#taken += bytes;
  }

  release(bytes: number): void {
    this.#kept -= bytes;
    const back = this.#taken - this.#kept;
    if (back <= 0) return;
    this.#taken -= back;
    this.#pool.give(back);
  }

  releaseAll(): void {
    this.release(this.#kept);
  }

  /** More is kept than the pool could give. */
  get tight(): boolean {
    const short = this.#kept - this.#taken;
    if (short === 0) return false;
    if (!this.#pool.take(short)) return true;
    this.#taken += short;
    return false;
  }
}
