// Happy eyeballs: which of several addresses answers first. Unlike Node's own, a slow address is raced, not
// given up, when the next one starts: over a long path Node's 250 ms can leave only the last a chance.
import type { Socket } from "node:net";
import type { Clock, Timer } from "@holdfast/core";

/** A socket that has begun to connect. */
export type Connect<A> = (address: A) => Socket;

/** How long an address has for itself before the next one joins in. */
export const HEAD_START_MS = 1_000;

/** One race. Addresses may be added while it runs; the first that connects wins, the others are destroyed. */
export class AddressRace<A> {
  readonly winner: Promise<Socket>;
  readonly #connect: Connect<A>;
  readonly #timer: Timer;
  /** At most the addresses of one host. */
  readonly #waiting: A[] = [];
  /** At most one for each address. */
  readonly #running = new Set<Socket>();
  /** At most one for each address. */
  readonly #errors: unknown[] = [];
  #moreExpected = false;
  #ended = false;
  #resolve!: (socket: Socket) => void;
  #reject!: (error: unknown) => void;

  constructor(connect: Connect<A>, clock: Clock) {
    this.#connect = connect;
    this.#timer = clock.timer(() => this.#startNext());
    this.winner = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Let these take part as well. `moreExpected`: do not lose while others may still be added. */
  add(addresses: readonly A[], moreExpected = false): void {
    if (this.#ended) return;
    this.#waiting.push(...addresses);
    this.#moreExpected = moreExpected;
    if (this.#running.size === 0) this.#startNext();
    else if (this.#waiting.length === addresses.length) this.#timer.set(HEAD_START_MS);
  }

  /** Call it off: every socket is destroyed, and the promise rejects with the reason. */
  cancel(reason: unknown): void {
    if (this.#ended) return;
    this.#end();
    this.#reject(reason);
  }

  #startNext(): void {
    const address = this.#waiting.shift();
    if (address === undefined) return this.#loseIfDone();
    let socket: Socket;
    try {
      socket = this.#connect(address);
    } catch (error) {
      this.#errors.push(error);
      return this.#startNext();
    }
    this.#running.add(socket);
    const onConnect = (): void => {
      socket.removeListener("error", onError);
      this.#running.delete(socket);
      this.#end();
      this.#resolve(socket);
    };
    const onError = (error: unknown): void => {
      socket.removeListener("connect", onConnect);
      this.#running.delete(socket);
      this.#errors.push(error);
      if (!this.#ended) this.#startNext();
    };
    socket.once("connect", onConnect);
    socket.once("error", onError);
    if (this.#waiting.length > 0) this.#timer.set(HEAD_START_MS);
  }

  #loseIfDone(): void {
    if (this.#running.size > 0 || this.#moreExpected || this.#ended) return;
    this.#end();
    this.#reject(this.#errors.length === 1 ? this.#errors[0] : new AggregateError(this.#errors));
  }

  #end(): void {
    this.#ended = true;
    this.#timer.clear();
    for (const socket of this.#running) socket.destroy();
    this.#running.clear();
  }
}

/** IPv6 and IPv4 in turn, beginning with the kind that the system put first. */
export function interleave<A extends { readonly family: number }>(addresses: readonly A[]): A[] {
  const first = addresses[0]?.family;
  const preferred = addresses.filter((address) => address.family === first);
  const others = addresses.filter((address) => address.family !== first);
  const order: A[] = [];
  for (let i = 0; i < Math.max(preferred.length, others.length); i++) {
    for (const address of [preferred[i], others[i]]) if (address !== undefined) order.push(address);
  }
  return order;
}
