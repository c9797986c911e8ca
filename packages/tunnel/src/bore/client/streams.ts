// The visitors that this end has taken. Each has a connection of its own to the relay, so it goes on when the
// control connection is lost, and is cut only when somebody says so.
import { HoldfastError, type Clock } from "@holdfast/core";
import { openSocket, resetSocket, splice, type Endpoint, type Socket } from "@holdfast/net/node";
import type { SecretKey } from "../auth.ts";
import { FrameStream } from "../frame-stream.ts";
import type { Uuid } from "../uuid.ts";
import { introduce } from "./introduce.ts";

export interface StreamsOptions {
  readonly relay: { readonly host: string; readonly port: number };
  readonly proxy: URL | undefined;
  readonly target: Endpoint;
  readonly key: SecretKey | undefined;
  readonly clock: Clock;
  /** Each of the two connections that a visitor needs may take this long, in milliseconds. */
  readonly dialTimeoutMs: number;
  /** Visitors at the same time; more wait. */
  readonly maxStreams: number;
  /** Visitors that wait; more are left to the relay, which drops them. */
  readonly maxWaiting: number;
  readonly onEvent: (event: StreamEvent) => void;
}

export type StreamEvent =
  | { readonly type: "visitor_opened"; readonly id: Uuid }
  | {
      readonly type: "visitor_closed";
      readonly id: Uuid;
      readonly bytesIn: number;
      readonly bytesOut: number;
      /** What broke the stream, if it did not end by itself. */
      readonly error: HoldfastError | undefined;
    }
  /** There never was a stream: the relay or the target could not be reached, or there were too many. */
  | { readonly type: "visitor_failed"; readonly id: Uuid; readonly error: HoldfastError };

/** A relay drops a visitor that nobody takes for 10 s. */
const VISITOR_PATIENCE_MS = 10_000;

interface Stream {
  readonly abort: AbortController;
  readonly sockets: Socket[];
}

export class Streams {
  readonly #options: StreamsOptions;
  /** At most `maxStreams`. */
  readonly #open = new Set<Stream>();
  /** At most `maxWaiting`. */
  readonly #waiting: { readonly id: Uuid; readonly since: number }[] = [];
  /** One for each caller that drains or closes. */
  readonly #whenIdle: (() => void)[] = [];

  #closed = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** Streams now, those that are being made included. */
  get size(): number {
    return this.#open.size;
  }

  /** A visitor waits at the relay. */
  take(id: Uuid): void {
    const { maxStreams, maxWaiting, clock } = this.#options;
    if (this.#closed) return;
    if (this.#open.size < maxStreams) return void this.#run(id);
    if (this.#waiting.length < maxWaiting) {
      this.#waiting.push({ id, since: clock.mono() });
      return;
    }
    this.#failed(id, tooMany(`more than ${maxStreams} visitors at once, and ${maxWaiting} wait already`));
  }

  /** Resolves as soon as there are none. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Cut them all, and take no more. Their visitors see a reset. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    for (const { abort, sockets } of this.#open) {
      abort.abort(new HoldfastError({ code: "closed", message: "the tunnel was closed", fault: "local" }));
      for (const socket of sockets) resetSocket(socket);
    }
  }

  async #run(id: Uuid): Promise<void> {
    const stream: Stream = { abort: new AbortController(), sockets: [] };
    this.#open.add(stream);
    try {
      await this.#carry(id, stream);
    } catch (error) {
      for (const socket of stream.sockets) resetSocket(socket);
      this.#failed(id, HoldfastError.from(error));
    }
    this.#open.delete(stream);
    this.#takeNext();
    if (this.#open.size === 0) for (const idle of this.#whenIdle.splice(0)) idle();
  }

  async #carry(id: Uuid, stream: Stream): Promise<void> {
    const { relay, proxy, target, onEvent } = this.#options;
    const data = await this.#dial(relay, stream, proxy);
    await this.#accept(data, id);
    // Nothing is read of the visitor until there is somebody to read it.
    const local = await this.#dial(target, stream, undefined);
    onEvent({ type: "visitor_opened", id });
    const { bytesAToB, bytesBToA, error } = await splice(data, local);
    onEvent({ type: "visitor_closed", id, bytesIn: bytesAToB, bytesOut: bytesBToA, error });
  }

  async #accept(socket: Socket, id: Uuid): Promise<void> {
    const { key, clock } = this.#options;
    const frames = new FrameStream(socket);
    const circumstances = { first: false, secret: key !== undefined };
    await introduce({ socket, frames, key, clock, circumstances }, { type: "accept", id });
    frames.release();
  }

  async #dial(endpoint: Endpoint, { abort, sockets }: Stream, proxy: URL | undefined): Promise<Socket> {
    const { clock, dialTimeoutMs } = this.#options;
    const socket = await openSocket(endpoint, {
      signal: abort.signal,
      clock,
      timeoutMs: dialTimeoutMs,
      proxy,
    });
    sockets.push(socket);
    return socket;
  }

  #takeNext(): void {
    const now = this.#options.clock.mono();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (now - next.since < VISITOR_PATIENCE_MS) return void this.#run(next.id);
      this.#failed(next.id, tooMany("the visitor waited too long for its turn"));
    }
  }

  #failed(id: Uuid, error: HoldfastError): void {
    this.#options.onEvent({ type: "visitor_failed", id, error });
  }
}

function tooMany(message: string): HoldfastError {
  return new HoldfastError({ code: "too_many_visitors", message, fault: "local" });
}
