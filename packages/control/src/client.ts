// The typed client of one control socket. Replies come in the order of the requests; what was subscribed to comes
// between them and is handed out as one sequence.
import { createConnection, type Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { JsonLineDecoder, encodeLine } from "./json-lines.ts";
import type { Entry } from "./schemas/entries.ts";
import type { Topic } from "./schemas/events.ts";
import type { Hello, Message, Push, QuestionPush, Reply } from "./schemas/messages.ts";
import type { DaemonRequest } from "./session.ts";
import type { Request } from "./schemas/requests.ts";

/** The largest list that a client takes; a request of its own is never near it. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

export interface DialControlOptions {
  /** How long `hello`, and later each reply, may take, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number;
  readonly onPush?: (push: Push) => void;
  /** What a person is asked, after `connect` with `attended` or `authenticate`. Default: nobody answers. */
  readonly onQuestion?: (question: QuestionPush) => void;
}

/** A process that answered. */
export interface ControlClient {
  readonly hello: Hello;
  list(): Promise<readonly Entry[]>;
  /** @throws HoldfastError `unknown_id`. */
  status(id: number): Promise<Entry>;
  /** Snapshots and events go to `onPush`. */
  subscribe(topics: readonly Topic[]): Promise<void>;
  unsubscribe(topics?: readonly Topic[]): Promise<void>;
  /** @throws HoldfastError `unknown_id`, `unsupported`. */
  reconnect(id: number): Promise<void>;
  /** @throws HoldfastError `unknown_id`, `unsupported`. */
  disconnect(id: number): Promise<void>;
  /**
   * What only a daemon carries out, and its answer.
   * @throws HoldfastError whatever the daemon answered; `unsupported` if this is none.
   */
  ask<T extends DaemonRequest["type"]>(
    request: Extract<DaemonRequest, { type: T }>,
  ): Promise<DaemonAnswer<T>>;
  /** Settles when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  close(): void;
}

/**
 * Connect to one control socket and read its `hello`.
 * @throws HoldfastError `connection_refused` if nobody listens, `timed_out`, `not_our_peer`, `unsupported_schema`.
 */
export async function dialControl(path: string, options: DialControlOptions = {}): Promise<ControlClient> {
  const connection = new Connection(createConnection({ path }), options);
  try {
    const hello = await connection.hello();
    return clientOf(connection, hello);
  } catch (thrown) {
    connection.close();
    throw HoldfastError.from(thrown);
  }
}

function clientOf(connection: Connection, hello: Hello): ControlClient {
  return {
    hello,
    list: async () => (await connection.request({ type: "list" }, "list")).entries,
    status: async (id) => (await connection.request({ type: "status", id }, "status")).entry,
    subscribe: async (topics) => {
      await connection.request({ type: "subscribe", topics: [...topics] }, "subscribed");
    },
    unsubscribe: async (topics) => {
      const some = topics === undefined ? {} : { topics: [...topics] };
      await connection.request({ type: "unsubscribe", ...some }, "unsubscribed");
    },
    reconnect: async (id) => {
      await connection.request({ type: "reconnect", id }, "reconnect_initiated");
    },
    disconnect: async (id) => {
      await connection.request({ type: "disconnect", id }, "disconnect_initiated");
    },
    ask: (request) => connection.request(request, DAEMON_REPLY[request.type]),
    closed: connection.closed,
    close: () => connection.close(),
  };
}

/** What a daemon answers to such a request. */
export type DaemonAnswer<T extends DaemonRequest["type"]> = Extract<Reply, { type: DaemonReply[T] }>;

/** Which answer belongs to which request. */
interface DaemonReply {
  connect: "connect_initiated";
  attach: "attached";
  authenticate: "authenticate_initiated";
  answer: "answered";
  forward: "forwarded";
}

const DAEMON_REPLY: DaemonReply = {
  connect: "connect_initiated",
  attach: "attached",
  authenticate: "authenticate_initiated",
  answer: "answered",
  forward: "forwarded",
};

type Expected = Hello | Reply;
interface Waiter {
  resolve(message: Expected): void;
  reject(error: HoldfastError): void;
}

class Connection {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #onPush: (push: Push) => void;
  readonly #onQuestion: (question: QuestionPush) => void;
  readonly #decoder = new JsonLineDecoder(MAX_REPLY_BYTES);
  /** One for each request that waits for its answer. */
  readonly #waiters: Waiter[] = [];
  #failure: HoldfastError | undefined;

  constructor(socket: Socket, options: DialControlOptions) {
    this.#socket = socket;
    this.#timeoutMs = options.timeoutMs ?? 2_000;
    this.#onPush = options.onPush ?? (() => undefined);
    this.#onQuestion = options.onQuestion ?? (() => undefined);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (thrown) => this.#fail(HoldfastError.from(thrown)));
    // With nobody's answer outstanding the silence of a process is no failure, so there is no other time-out.
    socket.setTimeout(this.#timeoutMs, () => this.#silent());
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#fail(new HoldfastError({ code: "connection_closed", message: "the process has ended" }));
        resolve();
      });
    });
  }

  async hello(): Promise<Hello> {
    const message = await this.#next();
    if (message.type === "error") throw peerError(message);
    if (message.type !== "hello") throw notOurPeer(`its first line is ${message.type}, not hello`);
    if (message.schema !== 1) {
      throw new HoldfastError({
        code: "unsupported_schema",
        message: `process ${message.pid} speaks schema ${String(message.schema)}, this program speaks 1`,
        kind: "fatal",
        fault: "peer",
        hint: "use the same version of holdfast for both",
      });
    }
    return message;
  }

  async request<T extends Reply["type"]>(request: Request, type: T): Promise<Extract<Reply, { type: T }>> {
    const answer = this.#next();
    this.#socket.setTimeout(this.#timeoutMs);
    if (this.#socket.writable) this.#socket.write(encodeLine(request));
    const message = await answer;
    if (message.type === "error") throw peerError(message);
    if (message.type !== type) throw notOurPeer(`it answered ${request.type} with ${message.type}`);
    return message as Extract<Reply, { type: T }>;
  }

  close(): void {
    this.#socket.destroy();
  }

  #next(): Promise<Expected> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const line of this.#decoder.receive(chunk)) {
        if ("error" in line) throw line.error;
        this.#take(line.value);
      }
    } catch (thrown) {
      this.#fail(HoldfastError.from(thrown));
      this.close();
    }
  }

  #take(value: unknown): void {
    if (!isMessage(value)) throw notOurPeer("it sent something without a type");
    if (isPush(value)) this.#onPush(value);
    else if (value.type === "question") this.#onQuestion(value);
    else this.#waiters.shift()?.resolve(value);
  }

  #silent(): void {
    if (this.#waiters.length === 0) return;
    this.#fail(new HoldfastError({ code: "timed_out", message: `no answer within ${this.#timeoutMs} ms` }));
    this.close();
  }

  #fail(error: HoldfastError): void {
    this.#failure ??= error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure);
  }
}

function isPush(message: Message): message is Push {
  return ["event", "snapshot", "missed"].includes(message.type);
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function peerError(line: Extract<Message, { type: "error" }>): HoldfastError {
  return new HoldfastError({
    code: line.code,
    message: line.message,
    kind: line.retryable ? "transient" : "fatal",
    fault: "peer",
    hint: line.hint ?? undefined,
  });
}

function notOurPeer(what: string): HoldfastError {
  return new HoldfastError({
    code: "not_our_peer",
    message: `what listens on the control socket is not holdfast: ${what}`,
    kind: "fatal",
    fault: "peer",
  });
}
