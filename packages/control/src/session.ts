// One client of the control socket: its requests, in order, and its subscription. What waits for a slow reader is
// bounded: beyond the limit its requests are not read and its events are counted instead of kept.
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { JsonLineDecoder, encodeLine, type DecodedLine } from "./json-lines.ts";
import { errorLine } from "./line-fields.ts";
import { isWanted, type Registry } from "./registry.ts";
import type { ControlEvent, Topic } from "./schemas/events.ts";
import type { Hello, Message, QuestionPush, Reply } from "./schemas/messages.ts";
import type { Request } from "./schemas/requests.ts";

export interface SessionLimits {
  /** The longest request, in bytes. Default 1 MiB. */
  readonly maxLineBytes: number;
  /** Bytes that may wait for a reader. Default 256 KiB. */
  readonly maxQueuedBytes: number;
}

/** Requests that are not about one entry that is there; only a daemon carries them out. */
export type DaemonRequest = Extract<
  Request,
  { type: "connect" | "attach" | "authenticate" | "answer" | "forward" }
>;

/** One client, in the hands of who carries out its requests. */
export interface ControlPeer {
  /** What only this client is told. Dropped once it has gone. */
  push(message: QuestionPush): void;
  /** Settles when the client has gone. */
  readonly gone: Promise<void>;
}

/** Carry out a request; what it throws is the answer, as an error. Must be quick: later requests wait behind it. */
export type CarryOut = (request: DaemonRequest, peer: ControlPeer) => Promise<Reply>;

export interface SessionOptions {
  readonly socket: Socket;
  readonly registry: Registry;
  readonly hello: Hello;
  readonly parse: (value: unknown) => Request;
  readonly limits: SessionLimits;
  /** Absent: such requests are answered with the error `unsupported`. */
  readonly carryOut: CarryOut | undefined;
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
  readonly #peer: ControlPeer;
  /** The answer that is being made; while there is one, no more requests are read. */
  #answering: Promise<void> | undefined = undefined;
  /** What came in one read with a request that takes its time; bounded by that read. */
  readonly #held: DecodedLine[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#decoder = new JsonLineDecoder(options.limits.maxLineBytes);
    const { socket } = options;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("end", () => this.#half());
    this.#stopListening = options.registry.listen((event) => this.#event(event));
    const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.once("close", () => this.#stopListening());
    this.#peer = { gone, push: (message) => this.#send(message) };
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
      for (const line of this.#decoder.receive(chunk)) this.#take(line);
    } catch (thrown) {
      // The rest of an overlong line would be taken for requests, so this client has to start again.
      this.#ended = true;
      this.#send(errorLine(HoldfastError.from(thrown)));
      this.close();
      return;
    }
    if (this.#isFull()) this.#options.socket.pause();
  }

  #take(line: DecodedLine): void {
    if (this.#answering !== undefined) this.#held.push(line);
    else this.#send("error" in line ? errorLine(line.error) : this.#answer(line.value));
  }

  #answer(value: unknown): Reply | undefined {
    try {
      return this.#carryOut(this.#options.parse(value));
    } catch (thrown) {
      return errorLine(HoldfastError.from(thrown));
    }
  }

  /** The answer comes when it is made; what follows waits, so that answers keep the order of the requests. */
  #later(request: DaemonRequest): undefined {
    const { carryOut, socket } = this.#options;
    if (carryOut === undefined) throw noDaemon(request.type);
    socket.pause();
    this.#answering = carryOut(request, this.#peer)
      .catch((thrown: unknown) => errorLine(HoldfastError.from(thrown)))
      .then((reply) => this.#answered(reply));
  }

  #answered(reply: Reply): void {
    this.#answering = undefined;
    this.#send(reply);
    while (this.#answering === undefined) {
      const line = this.#held.shift();
      if (line === undefined) break;
      this.#take(line);
    }
    if (this.#answering !== undefined) return;
    if (this.#ended && this.#topics.size === 0) this.close();
    else if (!this.#isFull()) this.#options.socket.resume();
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
      case "connect":
      case "attach":
      case "authenticate":
      case "answer":
      case "forward":
        return this.#later(request);
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
    if (socket.isPaused() && this.#answering === undefined) socket.resume();
  };

  /** The client sends no more: one that only asked is answered and let go, a subscriber that reads stays. */
  #half(): void {
    this.#ended = true;
    if (this.#topics.size === 0 && this.#answering === undefined) this.close();
    // Whether a subscriber reads on or has gone is seen only by writing to it, and the next event may never come.
    if (this.#topics.size > 0) this.#snapshot();
  }

  #isFull(): boolean {
    return this.#options.socket.writableLength > this.#options.limits.maxQueuedBytes;
  }

  #send(message: Message | undefined): void {
    const { socket } = this.#options;
    if (message !== undefined && socket.writable) socket.write(encodeLine(message), this.#written);
  }
}

function noDaemon(request: string): HoldfastError {
  return new HoldfastError({
    code: "unsupported",
    message: `this process cannot be asked to ${request}: it is no daemon`,
    kind: "fatal",
    fault: "peer",
  });
}

export type { Session };
