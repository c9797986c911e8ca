// One client of the control socket: its requests, in order, and its subscription. What waits for a slow reader is
// bounded: beyond the limit its requests are not read and its events are counted instead of kept.
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { JsonLineDecoder, encodeLine } from "./json-lines.ts";
import { errorLine } from "./line-fields.ts";
import { isWanted, type Registry } from "./registry.ts";
import type { ControlEvent, Topic } from "./schemas/events.ts";
import type { Hello, Message, Reply } from "./schemas/messages.ts";
import type { Request } from "./schemas/requests.ts";

export interface SessionLimits {
  /** The longest request, in bytes. Default 1 MiB. */
  readonly maxLineBytes: number;
  /** Bytes that may wait for a reader. Default 256 KiB. */
  readonly maxQueuedBytes: number;
}

export interface SessionOptions {
  readonly socket: Socket;
  readonly registry: Registry;
  readonly hello: Hello;
  readonly parse: (value: unknown) => Request;
  readonly limits: SessionLimits;
}

/** Serve one client until it leaves. */
export function serveClient(options: SessionOptions): Session {
  return new Session(options);
}

class Session {
  readonly #options: SessionOptions;
  readonly #decoder: JsonLineDecoder;
  readonly #stopListening: () => void;
  /** At most the topics that there are. */
  #topics: ReadonlySet<Topic> = new Set();
  #missed = 0;
  #ended = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#decoder = new JsonLineDecoder(options.limits.maxLineBytes);
    const { socket } = options;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("end", () => this.#half());
    this.#stopListening = options.registry.listen((event) => this.#event(event));
    socket.once("close", () => this.#stopListening());
    this.#send(options.hello);
  }

  /** Finish what is written and hang up. */
  close(): void {
    this.#stopListening();
    this.#options.socket.destroySoon();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    try {
      for (const line of this.#decoder.receive(chunk)) {
        this.#send("error" in line ? errorLine(line.error) : this.#answer(line.value));
      }
    } catch (thrown) {
      // The rest of an overlong line would be taken for requests, so this client has to start again.
      this.#ended = true;
      this.#send(errorLine(HoldfastError.from(thrown)));
      this.close();
      return;
    }
    if (this.#isFull()) this.#options.socket.pause();
  }

  #answer(value: unknown): Reply | undefined {
    try {
      return this.#carryOut(this.#options.parse(value));
    } catch (thrown) {
      return errorLine(HoldfastError.from(thrown));
    }
  }

  #carryOut(request: Request): Reply | undefined {
    const { registry } = this.#options;
    switch (request.type) {
      case "list":
        return { type: "list", entries: [...registry.entries()] };
      case "status":
        return { type: "status", entry: registry.entry(request.id) };
      case "subscribe":
        this.#topics = new Set([...this.#topics, ...request.topics]);
        this.#send({ type: "subscribed", topics: [...this.#topics] });
        this.#snapshot();
        return undefined;
      case "unsubscribe": {
        const gone = new Set<Topic>(request.topics ?? this.#topics);
        this.#topics = new Set([...this.#topics].filter((topic) => !gone.has(topic)));
        if (this.#topics.size === 0) this.#missed = 0;
        return { type: "unsubscribed", topics: [...this.#topics] };
      }
      case "reconnect":
        return this.#act("reconnect_initiated", request.id, registry.action(request.id, "reconnect"));
      case "disconnect":
        return this.#act("disconnect_initiated", request.id, registry.action(request.id, "disconnect"));
    }
  }

  /** The acknowledgement comes before the events that follow from it. */
  #act(type: "reconnect_initiated" | "disconnect_initiated", id: number, action: () => void): undefined {
    this.#send({ type, id });
    action();
  }

  #event(event: ControlEvent): void {
    if (!isWanted(this.#topics, event.event.type)) return;
    if (this.#missed > 0 || this.#isFull()) this.#missed++;
    else this.#send(event);
  }

  #snapshot(): void {
    const { registry } = this.#options;
    const entries = registry.entries().filter((entry) => isWanted(this.#topics, entry.type));
    this.#send({ type: "snapshot", seq: registry.seq, time: registry.now(), entries });
  }

  /** Not by `drain`, which comes only after a write that reached the socket's mark, and that may lie above our limit. */
  readonly #written = (): void => {
    const { socket } = this.#options;
    if (socket.writableLength > 0 || socket.destroyed) return;
    if (this.#missed > 0) {
      this.#send({ type: "missed", count: this.#missed });
      this.#missed = 0;
      this.#snapshot();
    }
    if (socket.isPaused()) socket.resume();
  };

  /** The client sends no more: one that only asked is answered and let go, a subscriber stays. */
  #half(): void {
    this.#ended = true;
    if (this.#topics.size === 0) this.close();
  }

  #isFull(): boolean {
    return this.#options.socket.writableLength > this.#options.limits.maxQueuedBytes;
  }

  #send(message: Message | undefined): void {
    const { socket } = this.#options;
    if (message !== undefined && socket.writable) socket.write(encodeLine(message), this.#written);
  }
}

export type { Session };
