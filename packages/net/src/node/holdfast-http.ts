// The HTTP side of Holdfast's port: requests and upgrades that pass the gate, plain or inside TLS.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { WebSocketServer } from "ws";
import { isTls } from "./direct-read.ts";
import type { HttpGate, Refusal } from "./http-gate.ts";
import { hostName, refusalOf } from "./http-gate.ts";
import { plainAddress, staysHere } from "./link-trust.ts";
import { exporterOf } from "./secure-socket.ts";
import { guardSocket } from "./socket-care.ts";
import {
  AcceptedWebSocket,
  HOLDFAST_SUBPROTOCOL,
  MAX_MESSAGE_BYTES,
  WEBSOCKET_CLOSE_MS,
} from "./websocket-bytes.ts";

export interface HoldfastHttpOptions {
  readonly gate: HttpGate;
  /** The longest head of a request, in bytes. */
  readonly maxHeadBytes: number;
  readonly onLink: (link: AcceptedWebSocket, socket: Socket) => void;
  readonly onRequest?: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly onUpgrade?: ((request: IncomingMessage, socket: Socket, head: Buffer) => void) | undefined;
  /** A request is here, or (`false`) its body or, since it has been answered, the next one may take its time. */
  readonly onHead: (socket: Socket, here: boolean) => void;
}

/** Connections are given to it, it does not listen. */
export class HoldfastHttp {
  readonly #options: HoldfastHttpOptions;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;

  private constructor(options: HoldfastHttpOptions, server: Server, webSockets: WebSocketServer) {
    this.#options = options;
    this.#server = server;
    this.#webSockets = webSockets;
    server.on("request", this.#onRequest);
    server.on("upgrade", this.#onUpgrade);
  }

  /** Loads what it needs only now. */
  static async create(options: HoldfastHttpOptions): Promise<HoldfastHttp> {
    const [{ createServer }, { WebSocketServer: Sockets }] = await Promise.all([
      import("node:http"),
      import("ws"),
    ]);
    const server = createServer({ maxHeaderSize: options.maxHeadBytes, noDelay: true });
    const settings = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      closeTimeout: WEBSOCKET_CLOSE_MS,
      handleProtocols: () => HOLDFAST_SUBPROTOCOL,
    };
    return new HoldfastHttp(options, server, new Sockets(settings));
  }

  /** A connection that begins with a request. */
  take(socket: Socket): void {
    this.#server.emit("connection", socket);
  }

  close(): void {
    this.#webSockets.close();
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const { onRequest, onHead, gate } = this.#options;
    const here = (): void => onHead(socket, true);
    here();
    response.once("close", () => {
      request.removeListener("end", here);
      onHead(socket, false);
    });
    const refusal = refusalOf(request.headers, isTls(socket), gate);
    if (refusal !== undefined) return refuseRequest(response, refusal);
    if (onRequest === undefined) return refuseRequest(response, NOTHING_HERE);
    if (Number(request.headers["content-length"] ?? 0) > 0) {
      // The body has as much time as the head had.
      onHead(socket, false);
      request.once("end", here);
    }
    onRequest(request, response);
  };

  readonly #onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const { onUpgrade, onLink, onHead, gate } = this.#options;
    guardSocket(socket);
    onHead(socket, true);
    const refusal = refusalOf(request.headers, isTls(socket), gate);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal);
    if (!speaksHoldfast(request)) {
      if (onUpgrade === undefined) return refuseUpgrade(socket, OTHER_PROTOCOL);
      return onUpgrade(request, socket, head);
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      onLink(acceptedLink(webSocket, socket, request), socket);
    });
  };
}

const NOTHING_HERE: Refusal = { status: 404, text: "there is nothing here for browsers" };
const OTHER_PROTOCOL: Refusal = {
  status: 400,
  text: `only the subprotocol ${HOLDFAST_SUBPROTOCOL} is spoken here`,
};

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  411: "Length Required",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
};

function acceptedLink(
  webSocket: ConstructorParameters<typeof AcceptedWebSocket>[0]["webSocket"],
  socket: Socket,
  request: IncomingMessage,
): AcceptedWebSocket {
  const secure = isTls(socket);
  const remoteAddress = plainAddress(socket.remoteAddress) ?? "unix";
  const trust = {
    confidential: secure || staysHere(socket),
    exporter: secure ? exporterOf(socket as TLSSocket) : undefined,
    // As the client dialled it: the gate has let the name pass.
    relayIdentity: `name:${hostName(request.headers.host ?? "")}`,
  };
  const endpoint = { host: remoteAddress, port: socket.remotePort ?? 0 };
  return new AcceptedWebSocket({ webSocket, socket, endpoint, trust }, remoteAddress);
}

function speaksHoldfast(request: IncomingMessage): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((name) => name.trim() === HOLDFAST_SUBPROTOCOL);
}

function refuseRequest(response: ServerResponse, { status, text }: Refusal): void {
  const body = `${text}\n`;
  // The connection ends with it, so that nobody has to read the body that was refused.
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.end(body);
}

function refuseUpgrade(socket: Socket, { status, text }: Refusal): void {
  const body = `${text}\n`;
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.once("finish", () => socket.destroy());
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
