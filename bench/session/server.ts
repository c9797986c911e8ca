// The accepting end, a program of its own: `server.js tcp|tls|ws FOLDER` listens for bare connections and for
// sessions, prints both ports, and after each run of sinks what arrived from the first byte to the last end.
import { createHash } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { listenHoldfast, nodeCrypto, type TlsIdentity } from "@holdfast/net/node";
import { hostSessions } from "@holdfast/net/session";
import { systemClock } from "@holdfast/net";
import { loadRelayIdentity } from "@holdfast/trust";
import { WebSocketServer } from "ws";
import { payload } from "../tunnel/payload.ts";
import { MODE, WINDOW_MS } from "./kinds.ts";
import { socketPipe, streamPipe, webSocketPipe, type Pipe } from "./pipe.ts";

const LOOPBACK = "127.0.0.1";
const BLOCK = payload(0, 64 * 1_024);
const LARGEST_MESSAGE_BYTES = 1_024 * 1_024;

const [transport = "tcp", folder = ""] = process.argv.slice(2);
const identity = transport === "tls" ? await identityIn(join(folder, "identity")) : undefined;
const bare = await listenBare();
const host = hostSessions({
  reconnectWindowMs: WINDOW_MS,
  crypto: nodeCrypto(),
  onSession: () => undefined,
  onStream: (stream, session) => serve(streamPipe(stream, session)),
});
const listener = await listenHoldfast({
  endpoint: { host: LOOPBACK, port: 0 },
  tls: identity,
  onLink: (link) => host.take(link),
});
const port = "port" in listener.endpoint ? listener.endpoint.port : 0;
console.log(`bare ${bare} session ${port}`);

async function identityIn(path: string): Promise<TlsIdentity> {
  return (await loadRelayIdentity(path, { clock: systemClock })).current();
}

function listenBare(): Promise<number> {
  const server = bareServer();
  return new Promise((resolve) => {
    server.listen(0, LOOPBACK, () => resolve((server.address() as AddressInfo).port));
  });
}

function bareServer(): Server {
  const options = { allowHalfOpen: true, noDelay: true };
  if (identity !== undefined) {
    const { key, cert } = identity as { key: string; cert: string };
    return createTlsServer({ ...options, key, cert, minVersion: "TLSv1.3" }, (socket) =>
      serve(socketPipe(socket)),
    );
  }
  if (transport === "tcp") return createServer(options, (socket) => serve(socketPipe(socket)));
  const http = createHttpServer();
  const sockets = new WebSocketServer({
    server: http,
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE_BYTES,
  });
  sockets.on("connection", (socket) => serve(webSocketPipe(socket)));
  return http;
}

/** The present run: pipes of sinks that overlap in time. */
let runs = 0;
let open = 0;
let bytes = 0;
let startedAt = 0;

function serve(pipe: Pipe): void {
  let mode: ((piece: Uint8Array) => void) | undefined;
  pipe.onBytes((piece) => {
    mode ??= begin(pipe, String.fromCharCode(piece[0] ?? 0));
    mode(piece);
  });
}

function begin(pipe: Pipe, mode: string): (piece: Uint8Array) => void {
  switch (mode) {
    case MODE.echo:
      return (piece) => void pipe.write(Buffer.from(piece));
    case MODE.source:
      send(pipe);
      return () => undefined;
    case MODE.hash: {
      const hash = createHash("sha256");
      pipe.onEnd(() => {
        pipe.write(hash.digest());
        pipe.end();
      });
      return (piece) => void hash.update(piece);
    }
    default:
      return sink(pipe);
  }
}

function sink(pipe: Pipe): (piece: Uint8Array) => void {
  if (open === 0) startedAt = performance.now();
  open += 1;
  pipe.onEnd(() => {
    pipe.end();
    open -= 1;
    if (open > 0) return;
    runs += 1;
    console.log(`run ${runs}: ${bytes} bytes in ${performance.now() - startedAt} ms`);
    bytes = 0;
  });
  return (piece) => void (bytes += piece.length);
}

function send(pipe: Pipe): void {
  const more = (): void => {
    while (pipe.write(BLOCK));
  };
  pipe.onRoom(more);
  more();
}
