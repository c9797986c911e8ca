// One dial, from the call of the application's `dial` to the end of the link that came of it. Whatever arrives
// after that end is dropped here, so that nothing old can touch what is new.
import { HoldfastError, type Clock, type Input, type LinkTraits } from "@holdfast/core";
import type { CredentialSource } from "./credentials.ts";
import { Aborter } from "./host.ts";
import type { Attempt, Dial, Link } from "./link.ts";

export interface DialOrder {
  readonly dial: number;
  readonly attempt: number;
  readonly epoch: number;
  readonly refused: HoldfastError | undefined;
  readonly suspect: boolean;
}

/** Progress is judged in tens of seconds; to pass every chunk of it on would cost more than the chunk. */
const PROGRESS_MS = 100;

export class DialRun<L extends Link, C> {
  /** When a byte last came: on the monotonic clock, and as people tell the time. */
  heardAt: number | undefined = undefined;
  heardWall = 0;
  link: L | undefined = undefined;
  readonly #order: DialOrder;
  readonly #clock: Clock;
  readonly #credentials: CredentialSource<C>;
  readonly #feed: (input: Input) => void;
  readonly #aborter = new Aborter();
  #over = false;
  #busy = false;
  #movedBytes = 0;
  #movedAt = -Infinity;

  constructor(
    order: DialOrder,
    clock: Clock,
    credentials: CredentialSource<C>,
    feed: (input: Input) => void,
  ) {
    this.#order = order;
    this.#clock = clock;
    this.#credentials = credentials;
    this.#feed = feed;
  }

  async start(dial: Dial<L, C>): Promise<void> {
    try {
      const credential = await this.#credentials.next(this.#order.refused, this.#aborter.signal);
      if (this.#over) return;
      const link = await dial(this.#attempt(credential));
      if (this.#over) return discard(link);
      const traits = traitsOf(link);
      this.link = link;
      this.#feed({ type: "opened", dial: this.#order.dial, link: traits });
    } catch (thrown) {
      this.#fail(HoldfastError.from(thrown));
    }
  }

  /** End it: abort what still dials, close what is up. Nothing is reported any more. */
  end(reason: HoldfastError): void {
    if (this.#over) return;
    this.#over = true;
    this.#aborter.abort(reason);
    if (this.link !== undefined) void discard(this.link, reason);
  }

  async ping(): Promise<void> {
    const { dial } = this.#order;
    try {
      await this.link?.ping?.();
      if (!this.#over) this.#feed({ type: "ping_sent", dial });
    } catch (thrown) {
      if (!this.#over) this.#feed({ type: "ping_failed", dial, failure: HoldfastError.from(thrown) });
    }
  }

  #fail(thrown: HoldfastError): void {
    if (this.#over) return;
    const failure = this.#credentials.judge(thrown);
    const { dial } = this.#order;
    const lost = this.link !== undefined;
    this.end(failure);
    this.#feed(lost ? { type: "lost", dial, failure } : { type: "dial_failed", dial, failure });
  }

  #attempt(credential: C | undefined): Attempt<C> {
    const { dial, attempt, epoch, suspect } = this.#order;
    return {
      signal: this.#aborter.signal,
      attempt,
      epoch,
      credential,
      suspect,
      heard: () => {
        if (this.#over) return;
        this.heardAt = this.#clock.mono();
        this.heardWall = this.#clock.wall();
      },
      lost: (cause) => this.#fail(cause === undefined ? endedByPeer() : HoldfastError.from(cause)),
      draining: (windowMs) => {
        if (!this.#over) this.#feed({ type: "drain_announced", dial, windowMs });
      },
      progress: (unackedBytes, movedBytes) => this.#progress(unackedBytes, movedBytes),
    };
  }

  #progress(unackedBytes: number, movedBytes: number): void {
    if (this.#over || this.link === undefined) return;
    const [now, busy] = [this.#clock.mono(), unackedBytes > 0];
    // A write says nothing new: it must neither hide the acknowledgement that comes right after it, nor be taken
    // for one that was not passed on.
    const moved = movedBytes !== this.#movedBytes && now - this.#movedAt >= PROGRESS_MS;
    this.#movedBytes = movedBytes;
    if (busy === this.#busy && !moved) return;
    this.#busy = busy;
    this.#movedAt = now;
    this.#feed({ type: "progress", dial: this.#order.dial, unackedBytes, movedBytes });
  }
}

function endedByPeer(): HoldfastError {
  return new HoldfastError({
    code: "closed_by_peer",
    message: "the other side closed the connection",
    fault: "peer",
  });
}

function traitsOf(link: Link): LinkTraits {
  return {
    pings: link.ping !== undefined,
    beats: link.beats ?? false,
    survivesPingFailure: link.survivesPingFailure ?? false,
    windowMs: link.reconnectWindowMs,
  };
}

/** Closing must neither throw nor return a promise; a link that does all the same harms nobody. */
async function discard(link: Link, reason?: HoldfastError): Promise<void> {
  try {
    const closed: unknown = link.close(reason);
    await closed;
  } catch {
    // The link is given up either way.
  }
}
