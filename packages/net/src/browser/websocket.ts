// The WebSocket transport of browsers. It can do less than Node's: nobody tells when bytes are taken, a page cannot stop
// the reading, and TLS gives no keying material.
import type { Clock } from "@holdfast/core";
import { HoldfastError } from "@holdfast/core";
import type { ByteLink } from "../byte-link.ts";
import { systemClock } from "../host.ts";
import type { Attempt, Dial } from "../link.ts";
import type { MinimalWebSocket } from "./websocket-bytes.ts";
import { BrowserWebSocketBytes } from "./websocket-bytes.ts";
import { webSocketTrust } from "./websocket-trust.ts";

/** The subprotocol, which tells our links from other uses of the port. */
const SUBPROTOCOL = "holdfast.1";

export type WebSocketConstructor = new (url: string, protocol: string) => MinimalWebSocket;

export interface BrowserWebSocketOptions {
  /** `wss://host[:port][/path]`, or `ws://…`, which is not encrypted. */
  readonly url: string;
  /** Default: the global one. */
  readonly WebSocket?: WebSocketConstructor;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * A dial that opens a WebSocket with the subprotocol `holdfast.1`. Browsers do not say why one fails, so every failure
 * is `connection_failed` (transient), except for a URL that the browser does not take: `bad_url` (fatal).
 * @throws HoldfastError `unsupported` (fatal) where there is no WebSocket; at once, not by the dial.
 */
export function webSocket(options: BrowserWebSocketOptions): Dial<ByteLink, unknown> {
  const Socket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (Socket === undefined) throw unsupported();
  const clock = options.clock ?? systemClock;
  const trust = webSocketTrust(options.url);
  return async (attempt) => {
    if (attempt.signal.aborted) throw attempt.signal.reason;
    const socket = await open(Socket, options.url, attempt);
    return new BrowserWebSocketBytes(socket, trust, attempt, clock);
  };
}

function open(Socket: WebSocketConstructor, url: string, attempt: Attempt): Promise<MinimalWebSocket> {
  const socket = make(Socket, url);
  socket.binaryType = "arraybuffer";
  const { signal } = attempt;
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.removeEventListener("open", onOpen);
      socket.removeEventListener("close", onClose);
      finish();
    };
    const onOpen = (): void => settle(() => resolve(socket));
    const onClose = (): void => settle(() => reject(failed(url)));
    const onAbort = (): void =>
      settle(() => {
        socket.close();
        reject(signal.reason as Error);
      });
    // The end that follows says all that there is; some implementations want a listener nevertheless.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("open", onOpen);
    socket.addEventListener("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function make(Socket: WebSocketConstructor, url: string): MinimalWebSocket {
  try {
    return new Socket(url, SUBPROTOCOL);
  } catch (cause) {
    const message = "the browser does not open a WebSocket to that URL";
    const hint = "it has to be like wss://relay.example:7836; a page that came by https may not use ws";
    throw new HoldfastError({ code: "bad_url", message, kind: "fatal", fault: "local", hint, cause });
  }
}

function failed(url: string): HoldfastError {
  const { relayIdentity } = webSocketTrust(url);
  const message = `no WebSocket to ${relayIdentity.slice("name:".length)} came about; browsers do not say why`;
  const hint = "is the relay running, is its certificate good, and does it allow this page's origin?";
  return new HoldfastError({ code: "connection_failed", message, hint });
}

function unsupported(): HoldfastError {
  const message = "there is no WebSocket here";
  return new HoldfastError({ code: "unsupported", message, kind: "fatal", fault: "local" });
}
