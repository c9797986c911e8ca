// The dialling end of both: pipes to the server of the bench.
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { SessionLimits } from "@holdfast/core/session";
import { KIND } from "@holdfast/core/session";
import type { Attempt, ByteLink, WakeSource } from "@holdfast/net";
import { nodeCrypto, tcp, tls, webSocket } from "@holdfast/net/node";
import { openSession, type SessionHandle, type SessionLine } from "@holdfast/net/session";
import { WebSocket } from "ws";
import { socketPipe, StreamPipe, webSocketPipe, type Pipe } from "./pipe.ts";

const LOOPBACK = "127.0.0.1";

/** A way to make pipes, and to be done with them. */
export interface Dialled {
  open(): Promise<Pipe>;
  /** Everything is delivered first. */
  close(): Promise<void>;
  /** Now. */
  stop(): Promise<void>;
}

export async function dial(transport: string, how: string, port: number): Promise<Dialled> {
  const nothing = async (): Promise<void> => undefined;
  if (how === "bare") return { open: () => openBare(transport, port), close: nothing, stop: nothing };
  const line = sessionTo(dialOf(transport, port));
  await line.line.ready();
  return { open: async () => openStream(line), close: () => line.drain(), stop: () => line.close() };
}

export interface SessionSettings {
  readonly wakes?: readonly WakeSource[];
  readonly limits?: Partial<SessionLimits>;
  readonly stableAfterMs?: number;
}

export function sessionTo(
  dialLink: (attempt: Attempt) => Promise<ByteLink>,
  settings: SessionSettings = {},
): SessionLine {
  return openSession({ dial: dialLink, crypto: nodeCrypto(), failFast: false, ...settings });
}

export function dialOf(transport: string, port: number): (attempt: Attempt) => Promise<ByteLink> {
  // The bench made the certificate a moment ago; who it is does not matter here.
  const verify = () => ({ relayIdentity: `name:${LOOPBACK}`, verified: true });
  if (transport === "tls") return tls({ host: LOOPBACK, port, verify });
  if (transport === "wss") return webSocket({ url: `wss://${LOOPBACK}:${port}/`, verify });
  if (transport === "ws") return webSocket({ url: `ws://${LOOPBACK}:${port}/` });
  return tcp({ host: LOOPBACK, port });
}

export function sessionOf(line: SessionLine): SessionHandle {
  if (line.session === undefined) throw new Error("there is no session");
  return line.session;
}

export function openStream(line: SessionLine): Pipe {
  const pipe = new StreamPipe();
  return pipe.attach(sessionOf(line).open(KIND.tcp, new Uint8Array(0), pipe));
}

function openBare(transport: string, port: number): Promise<Pipe> {
  return new Promise((resolve, reject) => {
    if (transport === "ws") {
      const socket = new WebSocket(`ws://${LOOPBACK}:${port}/`, { perMessageDeflate: false });
      socket.once("error", reject).once("open", () => resolve(webSocketPipe(socket)));
      return;
    }
    const to = { host: LOOPBACK, port, allowHalfOpen: true };
    if (transport === "tls") {
      const socket = connectTls({ ...to, rejectUnauthorized: false, minVersion: "TLSv1.3" }, () =>
        resolve(socketPipe(socket)),
      );
      socket.once("error", reject).setNoDelay(true);
      return;
    }
    const socket = connect({ ...to, noDelay: true }, () => resolve(socketPipe(socket)));
    socket.once("error", reject);
  });
}
