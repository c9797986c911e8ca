// Holdfast's port: TLS, HTTP upgrades and plain sessions on one listener, told apart by the first byte.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { HoldfastError } from "@holdfast/core";
import type { Clock } from "@holdfast/core";
import type { AcceptedByteLink, ByteLinkTrust } from "../byte-link.ts";
import { systemClock } from "../host.ts";
import { socketBytes } from "./byte-socket.ts";
import { isTls } from "./direct-read.ts";
import type { Endpoint } from "./endpoint.ts";
import { formatEndpoint } from "./endpoint.ts";
import { awaitFirstByte, openingOf } from "./first-byte.ts";
import { HoldfastHttp } from "./holdfast-http.ts";
import { Identifying } from "./identifying.ts";
import { isLoopbackAddress, plainAddress, staysHere } from "./link-trust.ts";
import { listen } from "./listen.ts";
import type { Listener } from "./listen.ts";
import { exporterOf } from "./secure-socket.ts";
import { guardSocket } from "./socket-care.ts";
import type { TlsIdentity } from "./tls-server.ts";
import { createTlsServer, setTlsIdentity } from "./tls-server.ts";
import { HOLDFAST_ALPN } from "./tls.ts";

/** How a link came. `plain` and `ws` only from this machine. */
export type Arrival = "tls" | "plain" | "wss" | "ws";

export interface HoldfastListenLimits {
  /** Connections at a time that have not said yet what they are. Default 1,000. */
  readonly unidentified: number;
  /**
   * How long they may take for that, TLS and the head of a request included, in milliseconds; and the body of a request
   * after that. Default 10,000.
   */
  readonly identifyTimeoutMs: number;
  /** The head of a request, in bytes. Default 4,096. */
  readonly headBytes: number;
  /** The body of a request, in bytes. Default 1,048,576. */
  readonly bodyBytes: number;
}

export interface HoldfastListenOptions {
  readonly endpoint: Endpoint;
  /** Key and certificates. Without them only this machine is served, plain. */
  readonly tls?: TlsIdentity | undefined;
  /** Whether connections from this machine may do without TLS. Others never may. Default `true`. */
  readonly allowPlain?: boolean;
  /** Names of this endpoint for HTTP, besides those of loopback: exact ones, or `*.example.com`. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages elsewhere that may use it, as browsers write them. */
  readonly allowedOrigins?: readonly string[];
  readonly limits?: Partial<HoldfastListenLimits>;
  /** How many connections may wait to be accepted. Default 4,096. */
  readonly backlog?: number;
  /** A link that has said nothing yet, except what it is. It is not read before `read`. */
  onLink(link: AcceptedByteLink, how: Arrival): void;
  /**
   * Another request that passed the checks of Host, Origin and body. Its body, if it has one, must be read at once:
   * the connection is closed if it is not there within `identifyTimeoutMs`. Default: 404.
   */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => void;
  /** An upgrade to something else, likewise. Default: 400. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  /**
   * Whether a connection from this address may come in: what to call once it has said what it is (right before
   * `onLink` and the like) or has gone; `undefined` drops it unheard. Default: all may.
   */
  readonly admit?: (remoteAddress: string) => (() => void) | undefined;
  /** Something went wrong while accepting. The listener goes on. */
  readonly onError?: (error: HoldfastError) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

export interface HoldfastListener extends Listener {
  /**
   * Use another certificate for connections from now on; those that are here go on.
   * @throws HoldfastError `bad_certificate` (fatal); then the old one stays in use.
   */
  setIdentity(identity: TlsIdentity): void;
}

const DEFAULT_LIMITS: HoldfastListenLimits = {
  unidentified: 1_000,
  identifyTimeoutMs: 10_000,
  headBytes: 4_096,
  bodyBytes: 1_048_576,
};

/**
 * Listen.
 * @throws HoldfastError `bad_config` (fatal) if nobody could ever connect, `bad_certificate`, and what `listen` throws.
 */
export async function listenHoldfast(options: HoldfastListenOptions): Promise<HoldfastListener> {
  checkReachable(options);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const door = new Door(options, limits);
  await door.open(limits);
  const listener = await listen({
    endpoint: options.endpoint,
    ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    onConnection: (socket) => door.take(socket),
  });
  return {
    endpoint: listener.endpoint,
    setIdentity: (identity) => door.setIdentity(identity),
    async close() {
      await listener.close();
      door.close();
    },
  };
}

class Door {
  readonly #options: HoldfastListenOptions;
  readonly #identifying: Identifying;
  #http!: HoldfastHttp;
  #tls: TlsServer | undefined;

  constructor(options: HoldfastListenOptions, limits: HoldfastListenLimits) {
    this.#options = options;
    const { unidentified: connections, identifyTimeoutMs: timeoutMs } = limits;
    this.#identifying = new Identifying({ connections, timeoutMs }, options.clock ?? systemClock);
  }

  async open({ headBytes, bodyBytes }: HoldfastListenLimits): Promise<void> {
    const { tls, allowedHosts = [], allowedOrigins = [], onRequest, onUpgrade } = this.#options;
    this.#http = await HoldfastHttp.create({
      gate: { allowedHosts, allowedOrigins, maxBodyBytes: bodyBytes },
      maxHeadBytes: headBytes,
      onHead: (socket, here) => this.#onHead(socket, here),
      onLink: (link, socket) => this.#options.onLink(link, isTls(socket) ? "wss" : "ws"),
      onRequest,
      onUpgrade,
    });
    if (tls !== undefined) this.#tls = await createTlsServer(tls, (socket) => this.#onSecure(socket));
  }

  take(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress) ?? "unix";
    if (this.#identifying.isFull) return void socket.destroy();
    const release = this.#options.admit === undefined ? () => undefined : this.#options.admit(address);
    if (release === undefined) return void socket.destroy();
    this.#identifying.begin(socket, release);
    awaitFirstByte(socket, (byte) => this.#open(socket, byte));
  }

  setIdentity(identity: TlsIdentity): void {
    if (this.#tls !== undefined) return setTlsIdentity(this.#tls, identity);
    const message = "this listener was started without TLS, and cannot begin with it now";
    throw new HoldfastError({ code: "bad_certificate", message, kind: "fatal", fault: "local" });
  }

  close(): void {
    this.#identifying.close();
    this.#http.close();
  }

  #open(socket: Socket, byte: number): void {
    const plain = this.#options.allowPlain !== false && staysHere(socket);
    switch (openingOf(byte)) {
      case "tls":
        // Over a unix socket there is nothing to keep from anybody.
        if (this.#tls === undefined || socket.remoteAddress === undefined) break;
        return void this.#tls.emit("connection", socket);
      case "http":
        if (!plain) break;
        return this.#http.take(socket);
      case "session":
        if (!plain) break;
        this.#identifying.done(socket);
        return this.#options.onLink(socketBytes(socket), "plain");
      case "unknown":
        break;
    }
    socket.destroy();
  }

  #onSecure(socket: TLSSocket): void {
    guardSocket(socket);
    if (socket.alpnProtocol !== HOLDFAST_ALPN) return this.#http.take(socket);
    this.#identified(socket);
    this.#options.onLink(socketBytes(socket, { trust: trustOf(socket) }), "tls");
  }

  #onHead(socket: Socket, here: boolean): void {
    if (here) return this.#identified(socket);
    // It stays for another request, and has as long for that as for the first.
    if (!socket.destroyed) this.#identifying.begin(socket, () => undefined);
  }

  #identified(socket: Socket): void {
    this.#identifying.done(this.#identifying.below(socket) ?? socket);
  }
}

/** TLS ends here. Who we are to the client is the name that it asked for. */
function trustOf(socket: TLSSocket): ByteLinkTrust {
  const { servername } = socket as { servername?: string | false | null };
  const name = servername || (plainAddress(socket.localAddress) ?? "");
  return { confidential: true, exporter: exporterOf(socket), relayIdentity: `name:${name}` };
}

function checkReachable({ endpoint, tls, allowPlain }: HoldfastListenOptions): void {
  if (tls !== undefined) return;
  const local = "path" in endpoint || endpoint.host === "localhost" || isLoopbackAddress(endpoint.host);
  if (local && allowPlain !== false) return;
  throw new HoldfastError({
    code: "bad_config",
    message: `nobody could connect to ${formatEndpoint(endpoint)}: without TLS only this machine is served`,
    hint: "give a key and a certificate, or listen on 127.0.0.1",
    kind: "fatal",
    fault: "local",
  });
}
