// The smallest tunnel: what visitors of a port say comes out at a target, through one session over one link at a time.
import type { Clock } from "@holdfast/core";
import { KIND, RESET, type SessionLimits } from "@holdfast/core/session";
import {
  listen,
  nodeCrypto,
  openSocket,
  socketBytes,
  spliceStream,
  type Endpoint,
  type StreamSpliceResult,
} from "@holdfast/net/node";
import { hostSessions, openSession, type SessionHost, type SessionLine } from "@holdfast/net/session";

export interface SmallTunnel {
  /** Where visitors go. */
  readonly endpoint: Endpoint;
  readonly line: SessionLine;
  readonly host: SessionHost;
  /** How each visitor's connection ended: at the relay's side, and at the client's. */
  readonly atRelay: StreamSpliceResult[];
  readonly atClient: StreamSpliceResult[];
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SmallTunnelOptions {
  readonly target: Endpoint;
  /** Where the client finds the relay, if not directly. */
  readonly through?: (relay: Endpoint) => Promise<Endpoint>;
  readonly limits?: Partial<SessionLimits>;
  readonly clock?: Clock;
  readonly haste?: number;
}

const LOOPBACK = { host: "127.0.0.1", port: 0 };

export async function smallTunnel(options: SmallTunnelOptions): Promise<SmallTunnel> {
  const { target, limits = {}, clock, haste = 1, through } = options;
  const atRelay: StreamSpliceResult[] = [];
  const atClient: StreamSpliceResult[] = [];
  const crypto = nodeCrypto();
  const host = hostSessions({ crypto, limits, onSession: () => undefined });
  const links = await listen({
    endpoint: LOOPBACK,
    onConnection: (socket) => host.take(socketBytes(socket)),
  });
  const relay = through === undefined ? links.endpoint : await through(links.endpoint);
  const line = openSession({
    crypto,
    limits,
    ...(clock && { clock }),
    async dial(attempt) {
      const link = socketBytes(await openSocket(relay, { signal: attempt.signal }));
      link.onEnd((cause) => attempt.lost(cause));
      return link;
    },
    failFast: false,
    backoff: { initialMs: 100, maxMs: 100 },
    heartbeat: { intervalMs: 400 * haste, timeoutMs: 1_200 * haste },
    dialTimeoutMs: 10_000 * haste,
    onStream(stream, session) {
      openSocket(target).then(
        async (socket) => void atClient.push(await spliceStream(socket, stream, session)),
        () => stream.reset(RESET.unreachable),
      );
    },
  });
  await line.line.ready();
  const visitors = await listen({
    endpoint: LOOPBACK,
    onConnection(socket) {
      const [session] = host.sessions();
      if (session === undefined) return void socket.destroy();
      const nobody = { readable() {}, writable() {}, forgotten() {} };
      const stream = session.open(KIND.tcp, new Uint8Array(), nobody);
      void spliceStream(socket, stream, session).then((result) => atRelay.push(result));
    },
  });
  return {
    endpoint: visitors.endpoint,
    line,
    host,
    atRelay,
    atClient,
    async [Symbol.asyncDispose]() {
      await visitors.close();
      await line.close();
      await host.close();
      await links.close();
    },
  };
}
