// The visitors that this end has taken: each is a stream of the session and a connection to its target.
import { HoldfastError, type Clock } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import { dialSocket, spliceStream, type Endpoint, type Socket, type SocketDial } from "@holdfast/net/node";
import type { SessionHandle, StreamListener } from "@holdfast/net/session";
import type { NativeTunnelEvent } from "./options.ts";

export interface VisitorsOptions {
  /** Visitors at the same time; the next one is refused. */
  readonly maxStreams: number;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly onEvent: (event: NativeTunnelEvent) => void;
  /** There is one more, or one less. Called for each visitor twice: it must cost next to nothing. */
  readonly onChange: () => void;
}

/** Where a visitor goes. */
export interface Destination {
  readonly targetId: number;
  readonly target: Endpoint;
}

const OVER = Promise.resolve();

class Visit implements StreamListener {
  readonly number: number;
  readonly stream: SessionStream;
  readonly session: SessionHandle;
  readonly targetId: number;
  readonly target: Endpoint;
  /** Settles when it is over. Never rejects. */
  done: Promise<void> = OVER;
  /** While the target is being connected to. */
  dial: SocketDial | undefined = undefined;

  constructor(number: number, stream: SessionStream, session: SessionHandle, destination: Destination) {
    this.number = number;
    this.stream = stream;
    this.session = session;
    this.targetId = destination.targetId;
    this.target = destination.target;
  }

  // The stream's listener until there is a socket: whoever came may go again.

  readable(): void {
    if (this.stream.received?.type === "reset") this.forgotten();
  }

  writable(): void {
    this.readable();
  }

  forgotten(): void {
    this.dial?.cancel(visitorGone());
  }
}

export class Visitors {
  readonly #options: VisitorsOptions;
  /** At most `maxStreams`. */
  readonly #visits = new Set<Visit>();
  /** How many there are by target: one for each of its targets at most. */
  readonly #sizes = new Map<number, number>();
  #number = 0;
  #lost = 0;

  constructor(options: VisitorsOptions) {
    this.#options = options;
  }

  /** Visitors now, those that are being connected included; of one target, or all. */
  size(targetId?: number): number {
    return targetId === undefined ? this.#visits.size : (this.#sizes.get(targetId) ?? 0);
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
    const visit = new Visit((this.#number += 1), stream, session, destination);
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
    const { onEvent } = this.#options;
    this.#count(visit, 1);
    let socket: Socket;
    try {
      socket = await this.#dial(visit);
    } catch (thrown) {
      stream.reset(RESET.unreachable);
      onEvent({ type: "visitor_failed", visitor, targetId, error: HoldfastError.from(thrown) });
      return this.#count(visit, -1);
    }
    onEvent({ type: "visitor_opened", visitor, targetId });
    const { bytesIn, bytesOut, error } = await spliceStream(socket, stream, session);
    if (error !== undefined && session.end !== undefined) this.#lost += 1;
    onEvent({ type: "visitor_closed", visitor, targetId, bytesIn, bytesOut, error });
    this.#count(visit, -1);
  }

  /** The connection to the target. What the visitor says meanwhile waits in the stream. */
  #dial(visit: Visit): Promise<Socket> {
    const { clock, timeoutMs } = this.#options;
    visit.session.listen(visit.stream, visit);
    visit.dial = dialSocket(visit.target, { clock, timeoutMs });
    return visit.dial.result;
  }

  #count(visit: Visit, by: 1 | -1): void {
    if (by === 1) this.#visits.add(visit);
    else this.#visits.delete(visit);
    this.#sizes.set(visit.targetId, this.size(visit.targetId) + by);
    this.#options.onChange();
  }
}

function visitorGone(): HoldfastError {
  return new HoldfastError({ code: "visitor_gone", message: "the visitor went away", fault: "peer" });
}

function tooMany(most: number): HoldfastError {
  const message = `more than ${most} visitors at once`;
  return new HoldfastError({ code: "too_many_visitors", message, fault: "local" });
}
