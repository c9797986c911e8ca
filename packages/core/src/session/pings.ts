// Which PINGs were sent, so that a PONG gives a round trip: the only exact measure of one, as acknowledgements may be
// held back.
import type { Instant } from "../ports.ts";

const MOST_OPEN = 4;

export class Pings {
  #token = 0;
  // At most 4; the oldest is given up.
  #open: { readonly token: number; readonly at: Instant }[] = [];

  /** @returns the token to send. */
  sent(now: Instant): number {
    this.#token += 1;
    if (this.#open.length === MOST_OPEN) this.#open.shift();
    this.#open.push({ token: this.#token, at: now });
    return this.#token;
  }

  /** @returns the round trip in milliseconds, unless the token is not one that is waited for. */
  answered(token: number, now: Instant): number | undefined {
    const ping = this.#open.find((open) => open.token === token);
    if (ping === undefined) return undefined;
    this.#open = this.#open.filter((open) => open.token > token);
    return now - ping.at;
  }

  forget(): void {
    this.#open = [];
  }
}
