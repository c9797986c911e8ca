// Who listens to which stream of a session, and whether any of them still needs the bytes that came last.
import type { SessionStream } from "@holdfast/core/session";
import { later } from "./later.ts";
import type { StreamListener } from "./surface.ts";

type News = "readable" | "writable" | "forgotten";

/** One listener with its stream. */
interface Seat {
  readonly stream: SessionStream;
  readonly listener: StreamListener;
  /** It was called in this turn because there is something to read. */
  called: boolean;
}

export class Audience {
  /** One for each stream of the session that has a listener. */
  readonly #seats = new Map<SessionStream, Seat>();
  /** What nobody heard: at most one of each kind for a stream, as long as somebody has the stream. */
  readonly #unheard = new WeakMap<SessionStream, Set<News>>();
  /** Those that were called in this turn, one for each. */
  readonly #called: Seat[] = [];
  readonly #failed: (thrown: unknown) => void;
  #keeps = false;

  constructor(failed: (thrown: unknown) => void) {
    this.#failed = failed;
  }

  /** Somebody needs bytes of this turn. */
  get keeps(): boolean {
    return this.#keeps;
  }

  listen(stream: SessionStream, listener: StreamListener): void {
    const unheard = this.#unheard.get(stream);
    const seat = { stream, listener, called: false };
    this.#seats.set(stream, seat);
    if (unheard === undefined) return;
    this.#unheard.delete(stream);
    later(() => {
      for (const news of ["readable", "writable", "forgotten"] as const) {
        if (unheard.has(news)) this.#say(news, seat);
      }
      this.settle();
    });
  }

  begin(): void {
    this.#keeps = false;
  }

  tell(news: News, stream: SessionStream): void {
    const seat = this.#seats.get(stream);
    if (seat !== undefined) return this.#say(news, seat);
    const unheard = this.#unheard.get(stream) ?? new Set();
    this.#unheard.set(stream, unheard.add(news));
    this.#keeps = true;
  }

  /** All news of this turn, or of this part of it, were told. */
  settle(): void {
    for (const seat of this.#called) {
      seat.called = false;
      this.#keeps = this.#settled(seat) || this.#keeps || seat.stream.readableBytes > 0;
    }
    this.#called.length = 0;
  }

  #settled({ listener, stream }: Seat): boolean {
    try {
      return listener.settled?.(stream) ?? true;
    } catch (thrown) {
      this.#failed(thrown);
      return true;
    }
  }

  #say(news: News, seat: Seat): void {
    if (news === "forgotten") this.#seats.delete(seat.stream);
    if (news === "readable" && !seat.called) {
      seat.called = true;
      this.#called.push(seat);
    }
    try {
      seat.listener[news](seat.stream);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }
}
