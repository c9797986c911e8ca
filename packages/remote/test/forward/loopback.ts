// A plugin over real sockets of this machine, whose links are cut by hand, and what its tests need.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { listen, openSocket, resetSocket } from "@holdfast/net/node";
import {
  openConnection,
  pluginRegistry,
  type Connection,
  type Machine,
  type OpenConnectionOptions,
  type Plugin,
  type RemoteListener,
} from "@holdfast/remote";

const lost = (): HoldfastError => new HoldfastError({ code: "link_lost", message: "the link was lost" });

class LoopbackMachine implements Machine {
  readonly files = {} as Machine["files"];
  readonly #streams = new Set<Duplex>();
  readonly #listeners = new Set<RemoteListener>();
  #ended = false;
  readonly #plugin: Loopback;

  constructor(plugin: Loopback) {
    this.#plugin = plugin;
  }

  start(): Promise<never> {
    return Promise.reject(lost());
  }

  systemInfo(): Promise<never> {
    return Promise.reject(lost());
  }

  ping(): Promise<void> {
    return this.#ended ? Promise.reject(lost()) : Promise.resolve();
  }

  async connectTcp(host: string, port: number): Promise<Duplex> {
    if (this.#ended) throw lost();
    this.#plugin.wanted.push(`${host}:${port}`);
    if (this.#plugin.goneUnseen) throw lost();
    await this.#plugin.gate;
    const socket = await openSocket({ host: host.endsWith(".far") ? "127.0.0.1" : host, port });
    this.#keep(socket);
    return socket;
  }

  async listenTcp(
    host: string,
    port: number,
    onConnection: (stream: Duplex, from: { readonly host: string; readonly port: number }) => void,
  ): Promise<RemoteListener> {
    if (this.#plugin.refuse !== undefined) throw this.#plugin.refuse;
    const listener = await listen({
      endpoint: { host, port },
      onConnection: (socket) => {
        this.#keep(socket);
        onConnection(socket, { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 });
      },
    });
    const { endpoint } = listener;
    if (!("port" in endpoint)) throw lost();
    this.#plugin.farPorts.push(endpoint.port);
    await this.#plugin.farGate;
    const remote = { ...endpoint, close: () => listener.close() };
    this.#listeners.add(remote);
    return remote;
  }

  close(): void {
    this.#ended = true;
    for (const listener of this.#listeners) void listener.close();
    for (const stream of this.#streams) resetSocket(stream as Socket);
  }

  #keep(socket: Socket): void {
    if (this.#ended) return resetSocket(socket);
    this.#streams.add(socket);
    socket.once("close", () => this.#streams.delete(socket));
  }
}

export class Loopback {
  /** Dials fail while it is false. */
  reachable = true;
  /** Where somebody wanted to go. */
  readonly wanted: string[] = [];
  /** Connections of the far side wait for it. */
  gate: Promise<void> = Promise.resolve();
  /** Ports of the far side that were opened, and what it waits for before it says so. */
  readonly farPorts: number[] = [];
  farGate: Promise<void> = Promise.resolve();
  /** Links have gone, and nobody has noticed. */
  goneUnseen = false;
  /** What the far side says to every port. */
  refuse: HoldfastError | undefined = undefined;
  #lose: () => void = () => undefined;

  get plugin(): Plugin {
    const able = { processes: true, terminals: true, signals: true, files: true, system_info: true } as const;
    return {
      name: "loopback",
      schemes: ["loopback"],
      abilities: { ...able, forward: true, reverse_forward: true },
      preset: {},
      health: { intervalMs: 2_000, timeoutMs: 5_000, failures: 3 },
      open: () => ({
        dial: (attempt) => {
          if (!this.reachable) return Promise.reject(new Error("unreachable"));
          this.#lose = () => attempt.lost(lost());
          return Promise.resolve(new LoopbackMachine(this));
        },
        dispose: () => Promise.resolve(),
      }),
    };
  }

  async open(options: Partial<OpenConnectionOptions> = {}): Promise<Connection> {
    const connection = await openConnection({
      plugins: pluginRegistry([this.plugin]),
      destination: "loopback://here",
      id: "1",
      policy: { backoff: { initialMs: 100, maxMs: 100 }, failFast: false },
      ...options,
    });
    if (this.reachable) await connection.machine();
    return connection;
  }

  /** The link dies; it comes back by itself unless nothing can be reached. */
  cut(): void {
    this.#lose();
  }
}

/** A server of this machine, and what came to it. */
export class Service {
  readonly sockets: Socket[] = [];
  readonly #server: Server;

  private constructor(serve: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      socket.on("error", () => undefined);
      serve(socket);
    });
  }

  static async start(serve: (socket: Socket) => void): Promise<Service> {
    const service = new Service(serve);
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Sends back what comes, and an end for an end. */
export const echo = (socket: Socket): void => void socket.pipe(socket);

/** All that comes until the orderly end; rejects if there is none. The other direction stays as it is. */
export function all(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.once("end", () => resolve(Buffer.concat(pieces)));
    stream.once("error", reject);
    stream.once("close", () => reject(new Error("it was closed without an end")));
  });
}

export function broken(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.resume();
    socket.once("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    socket.once("end", () => resolve("an orderly end"));
  });
}
