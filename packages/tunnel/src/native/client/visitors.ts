// The visitors that this end has taken: each is a stream of the session and a connection to its target.
import { HoldfastError, type Clock } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import { openSocket, spliceStream, type Endpoint, type Socket } from "@holdfast/net/node";
import type { SessionHandle, StreamListener } from "@holdfast/net/session";
import type { NativeTunnelEvent } from "./options.ts";

export interface VisitorsOptions {
  /** Visitors at the same time; the next one is refused. */
  readonly maxStreams: number;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly onEvent: (event: NativeTunnelEvent) => void;
  /** There is one more, or one less. */
  readonly onChange: () => void;
}

/** Where a visitor goes. */
export interface Destination {
  readonly targetId: number;
  readonly target: Endpoint;
}

interface Visit extends Destination {
  readonly number: number;
  readonly stream: SessionStream;
  readonly session: SessionHandle;
  /** Settles when it is over. Never rejects. */
  done: Promise<void>;
}

export class Visitors {
  readonly #options: VisitorsOptions;
  /** At most `maxStreams`. */
  readonly #visits = new Set<Visit>();
  #number = 0;
  #lost = 0;

  constructor(options: VisitorsOptions) {
    this.#options = options;
  }

  /** Visitors now, those that are being connected included; of one target, or all. */
  size(targetId?: number): number {
    if (targetId === undefined) return this.#visits.size;
    return [...this.#visits].filter((visit) => visit.targetId === targetId).length;
  }

  /** Visitors that were reset because their session was gone, since the last call. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Settles when none of a target's visitors is left; those that are after so long are reset. */
  async finish(targetId: number, timeoutMs: number): Promise<void> {
    const visits = [...this.#visits].filter((visit) => visit.targetId === targetId);
    const late = this.#options.clock.timer(() => visits.forEach(({ stream }) => stream.reset(RESET.timeout)));
    late.set(timeoutMs);
    await Promise.all(visits.map(({ done }) => done));
    late.clear();
  }

  /** The relay opened a stream for a visitor. */
  take(stream: SessionStream, session: SessionHandle, destination: Destination): void {
    const { maxStreams, onEvent } = this.#options;
    const visit: Visit = { ...destination, number: (this.#number += 1), stream, session, done: OVER };
    if (this.#visits.size < maxStreams) {
      visit.done = this.#run(visit);
      return;
    }
    stream.reset(RESET.limit);
    const { number: visitor, targetId } = visit;
    onEvent({ type: "visitor_failed", visitor, targetId, error: tooMany(maxStreams) });
  }

  async #run(visit: Visit): Promise<void> {
    const { number: visitor, targetId, stream, session } = visit;
    const { onEvent, onChange } = this.#options;
    this.#visits.add(visit);
    onChange();
    const socket = await this.#dial(visit);
    if (socket instanceof HoldfastError) {
      onEvent({ type: "visitor_failed", visitor, targetId, error: socket });
    } else {
      onEvent({ type: "visitor_opened", visitor, targetId });
      const { bytesIn, bytesOut, error } = await spliceStream(socket, stream, session);
      if (error !== undefined && session.end !== undefined) this.#lost += 1;
      onEvent({ type: "visitor_closed", visitor, targetId, bytesIn, bytesOut, error });
    }
    this.#visits.delete(visit);
    onChange();
  }

  /** The connection to the target. What the visitor says meanwhile waits in the stream. */
  async #dial({ stream, session, target }: Visit): Promise<Socket | HoldfastError> {
    const { clock, timeoutMs } = this.#options;
    const gone = new AbortController();
    session.listen(
      stream,
      waitForEnd(() => gone.abort(visitorGone())),
    );
    try {
      return await openSocket(target, { signal: gone.signal, clock, timeoutMs });
    } catch (thrown) {
      stream.reset(RESET.unreachable);
      return HoldfastError.from(thrown);
    }
  }
}

const OVER = Promise.resolve();

/** Both directions ended before anybody looked: whoever came has gone. */
function waitForEnd(onGone: () => void): StreamListener {
  const look = (stream: SessionStream): void => {
    if (stream.received?.type === "reset") onGone();
  };
  return { readable: look, writable: look, forgotten: onGone };
}

function visitorGone(): HoldfastError {
  return new HoldfastError({ code: "visitor_gone", message: "the visitor went away", fault: "peer" });
}

function tooMany(most: number): HoldfastError {
  const message = `more than ${most} visitors at once`;
  return new HoldfastError({ code: "too_many_visitors", message, fault: "local" });
}
