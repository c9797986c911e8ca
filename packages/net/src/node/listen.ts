// Accepting connections, on a port or a unix socket, without falling over when file descriptors run out.
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import type { HoldfastError } from "@holdfast/core";
import type { Endpoint } from "./endpoint.ts";
import { checkEndpoint } from "./endpoint.ts";
import { KEEPALIVE_IDLE_MS, guardSocket } from "./socket-care.ts";
import { listenFailure } from "./socket-failure.ts";
import { bindPath } from "./stale-socket.ts";

export interface ListenOptions {
  /** Port 0 means any free one. */
  readonly endpoint: Endpoint;
  /** How many connections may wait to be accepted; the system may allow fewer. Default 4,096. */
  readonly backlog?: number;
  /** A visitor came: no-delay, keepalive and `allowHalfOpen` are set, and it is paused (call `resume`). */
  onConnection(socket: Socket): void;
  /** Something went wrong while accepting, such as no file descriptors being left. The listener goes on. */
  onError?(error: HoldfastError): void;
}

export interface Listener {
  /** Where it really listens: the port is never 0. */
  readonly endpoint: Endpoint;
  /** Stop accepting, and free the address. Connections that were accepted go on. */
  close(): Promise<void>;
}

const BACKLOG = 4_096;

/**
 * Listen. The name of a unix socket that a program which was killed has left behind is taken over.
 * @throws HoldfastError `address_in_use`, `permission_denied`, `address_not_available`, `bad_endpoint`, …
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  checkEndpoint(options.endpoint);
  const server = createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_IDLE_MS,
  });
  server.on("connection", (socket) => {
    guardSocket(socket);
    options.onConnection(socket);
  });
  const { endpoint, backlog = BACKLOG } = options;
  const bind = (): Promise<void> => bindServer(server, endpoint, backlog);
  await ("path" in endpoint ? bindPath(endpoint.path, bind) : bind());
  server.on("error", (error) => options.onError?.(listenFailure(endpoint, error)));
  return { endpoint: boundEndpoint(server, endpoint), close: () => closeServer(server) };
}

function bindServer(server: Server, endpoint: Endpoint, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: unknown): void => reject(listenFailure(endpoint, error));
    server.once("error", onError);
    server.listen({ ...endpoint, backlog }, () => {
      server.removeListener("error", onError);
      resolve();
    });
  });
}

function boundEndpoint(server: Server, asked: Endpoint): Endpoint {
  const bound = server.address();
  if (bound === null || typeof bound === "string") return asked;
  return { host: bound.address, port: bound.port };
}

function closeServer(server: Server): Promise<void> {
  // The system's handle is closed at once; Node's own event would wait for the last accepted connection.
  if (server.listening) server.close();
  return Promise.resolve();
}
