// A TCP (or unix socket) proxy that can be told to misbehave, before and while it runs. Only for tests.
import type { Socket } from "node:net";
import type { Endpoint } from "../node/endpoint.ts";
import type { Listener } from "../node/listen.ts";
import { listen } from "../node/listen.ts";
import { openSocket } from "../node/open-socket.ts";
import { resetSocket } from "../node/socket-care.ts";
import type { Direction, Fault, FaultPlan } from "./fault.ts";
import type { ProxiedConnection } from "./faulty-connection.ts";
import { FaultyConnection } from "./faulty-connection.ts";

export interface FaultyProxyOptions {
  /** Where connections go. Dialled anew for each, so it may come later or move to another process. */
  readonly target: Endpoint;
  /** Default: any free port of 127.0.0.1. */
  readonly listen?: Endpoint;
}

/** What a cut took away. */
export interface Cut {
  readonly connections: number;
  /** Bytes that the proxy had read and not yet handed on. What the kernels held comes on top. */
  readonly inFlightBytes: number;
}

export interface FaultyProxy {
  /** Where to connect to. Stays the same through `refuse` and `heal`. */
  readonly endpoint: Endpoint;
  /** All connections so far, closed ones too. */
  readonly connections: readonly ProxiedConnection[];
  /** How many were accepted so far, those that were refused by a plan included. */
  readonly acceptedCount: number;
  /**
   * The n-th connection (from 1), past or to come, when it is through to the target; if that one was refused, the
   * next that gets through. Default: the first one that is accepted after this call.
   */
  accepted(number?: number): Promise<ProxiedConnection>;
  /** Strike later: at the n-th connection, the n-th byte. */
  plan(...plans: FaultPlan[]): void;
  /** Strike now: every live connection, and every new one until `heal`. */
  apply(fault: Fault): void;
  /** Reset every live connection. New ones are accepted. */
  cut(): Cut;
  /** Swallow all bytes of live and new connections. */
  blackhole(direction?: Direction): void;
  /** Let the listener vanish, so that dials are refused. Live connections go on. */
  refuse(): Promise<void>;
  /** Forget all plans and faults, and listen again. Connections that have lost bytes are reset. */
  heal(): Promise<void>;
  /** End everything. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Start one. */
export async function startFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const proxy = new RunningProxy(options.target);
  await proxy.open(options.listen ?? { host: "127.0.0.1", port: 0 });
  return proxy;
}

class RunningProxy implements FaultyProxy {
  readonly connections: FaultyConnection[] = [];
  readonly #target: Endpoint;
  readonly #waiting: {
    readonly number: number;
    readonly resolve: (connection: ProxiedConnection) => void;
  }[] = [];
  readonly #pending = new Set<Socket>();
  #plans: FaultPlan[] = [];
  #standing: Fault[] = [];
  #accepted = 0;
  #endpoint: Endpoint = { host: "127.0.0.1", port: 0 };
  #listener: Listener | undefined = undefined;
  readonly #closing = new AbortController();

  constructor(target: Endpoint) {
    this.#target = target;
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  get acceptedCount(): number {
    return this.#accepted;
  }

  async open(endpoint: Endpoint): Promise<void> {
    this.#listener = await listen({ endpoint, onConnection: (client) => void this.#accept(client) });
    this.#endpoint = this.#listener.endpoint;
  }

  accepted(number: number = this.#accepted + 1): Promise<ProxiedConnection> {
    const known = this.connections.find((connection) => connection.number === number);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.push({ number, resolve }));
  }

  plan(...plans: FaultPlan[]): void {
    this.#plans.push(...plans);
    for (const connection of this.#live()) {
      for (const plan of plans) {
        if (plan.connection === connection.number) this.#arm(connection, plan);
      }
    }
  }

  apply(fault: Fault): void {
    this.#standing.push(fault);
    for (const connection of this.#live()) connection.apply(fault);
  }

  cut(): Cut {
    const live = this.#live();
    const inFlightBytes = live.reduce((sum, { up, down }) => sum + up.inFlight + down.inFlight, 0);
    for (const connection of live) connection.apply({ kind: "reset" });
    for (const client of this.#pending) resetSocket(client);
    return { connections: live.length, inFlightBytes };
  }

  blackhole(direction?: Direction): void {
    this.apply(direction === undefined ? { kind: "black_hole" } : { kind: "black_hole", direction });
  }

  async refuse(): Promise<void> {
    await this.#listener?.close();
    this.#listener = undefined;
  }

  async heal(): Promise<void> {
    this.#plans = [];
    this.#standing = [];
    for (const connection of this.#live()) connection.heal();
    if (this.#listener === undefined && !this.#closing.signal.aborted) await this.open(this.#endpoint);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.refuse();
    for (const client of this.#pending) client.destroy();
    for (const connection of this.connections) connection.destroy();
    await Promise.all(this.connections.map(({ closed }) => closed));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accept(client: Socket): Promise<void> {
    const number = ++this.#accepted;
    const plans = this.#plans.filter(({ connection }) => connection === undefined || connection === number);
    const onAccept = [
      ...this.#standing,
      ...plans.filter(({ after }) => after === undefined).map(({ fault }) => fault),
    ];
    if (onAccept.some(({ kind }) => kind === "refuse" || kind === "reset")) return resetSocket(client);
    const target = await this.#dial(client);
    if (target === undefined) return resetSocket(client);
    const connection = new FaultyConnection(number, client, target);
    this.connections.push(connection);
    // What was decreed while the target was dialled counts as well.
    for (const fault of new Set([...onAccept, ...this.#standing])) connection.apply(fault);
    for (const plan of plans) if (plan.after !== undefined) this.#arm(connection, plan);
    connection.start();
    for (const waiter of this.#waiting.filter((waiting) => waiting.number <= number)) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve(connection);
    }
  }

  /** A socket to the target, unless it refuses or the client leaves first. */
  async #dial(client: Socket): Promise<Socket | undefined> {
    this.#pending.add(client);
    try {
      const target = await openSocket(this.#target, { signal: this.#closing.signal });
      if (!client.destroyed) return target;
      target.destroy();
    } catch {
      // The client sees a reset, as it would from a network that does not reach the target.
    } finally {
      this.#pending.delete(client);
    }
    return undefined;
  }

  #arm(connection: FaultyConnection, { fault, after }: FaultPlan): void {
    if (after === undefined) connection.apply(fault);
    else connection.applyAfter(fault, after);
  }

  #live(): FaultyConnection[] {
    return this.connections.filter(({ isClosed }) => !isClosed);
  }
}
