// The WebSocket transport of Node: one dial, one socket (TLS for wss), one upgrade, one link of bytes.
import type { ClientRequest, IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import type { ClientOptions, WebSocket } from "ws";
import type { ByteLink, ByteLinkTrust } from "../byte-link.ts";
import type { Attempt, Dial } from "../link.ts";
import { plainTrust } from "./link-trust.ts";
import type { OpenOptions } from "./open-socket.ts";
import { LONGEST_DIAL_MS, openSocket } from "./open-socket.ts";
import type { VerifyPeer } from "./secure-socket.ts";
import { secureSocket } from "./secure-socket.ts";
import { guardSocket } from "./socket-care.ts";
import { aborted } from "./socket-failure.ts";
import { handshakeTimedOut } from "./tls-failure.ts";
import {
  HOLDFAST_SUBPROTOCOL,
  MAX_MESSAGE_BYTES,
  WEBSOCKET_CLOSE_MS,
  WebSocketBytes,
} from "./websocket-bytes.ts";
import { upgradeFailure, upgradeRefused } from "./websocket-failure.ts";
import type { WebSocketTarget } from "./websocket-target.ts";
import { webSocketTarget } from "./websocket-target.ts";

export interface WebSocketOptions extends Omit<OpenOptions, "signal" | "timeoutMs"> {
  /** `wss://host[:port][/path]`, or `ws://…`, which is not encrypted. */
  readonly url: string | URL;
  /** Decides who the other end is; needed for wss. */
  readonly verify?: VerifyPeer | undefined;
  /** Certificate authorities, PEM, instead of those that Node knows. */
  readonly ca?: string | readonly string[] | undefined;
  /** The name that the other end is asked for, and whose certificate is checked. Default: the host. */
  readonly servername?: string | undefined;
  /** Headers of the upgrade, for a proxy in front of the relay. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A dial that opens a WebSocket with the subprotocol `holdfast.1`. Besides what `openSocket` and TLS may reject with:
 * `not_our_peer` (a login page, another server), `forbidden`, `unauthorized`, `busy` (with a time to come back),
 * `unavailable`.
 * @throws HoldfastError `bad_url` (fatal), or `bad_config` (fatal) for wss without `verify`; at once, not by the dial.
 */
export function webSocket(options: WebSocketOptions): Dial<ByteLink, unknown> {
  const target = webSocketTarget(options.url);
  if (target.secure && options.verify === undefined) throw unverified();
  return async (attempt) => {
    const { signal } = attempt;
    const raw = await openSocket(target, { ...options, signal, timeoutMs: LONGEST_DIAL_MS });
    const below = await secured(raw, target, options, attempt);
    const opened = await upgrade(below.socket, target, options, attempt);
    const parts = { webSocket: opened, socket: below.socket, endpoint: target, trust: below.trust };
    return new WebSocketBytes(parts, { heard: attempt.heard, lost: attempt.lost });
  };
}

interface Below {
  readonly socket: Socket;
  readonly trust: ByteLinkTrust;
}

async function secured(
  raw: Socket,
  target: WebSocketTarget,
  options: WebSocketOptions,
  { signal }: Attempt,
): Promise<Below> {
  const { verify, ca, servername, clock, proxy } = options;
  const { host, port, secure } = target;
  if (!secure || verify === undefined) {
    return { socket: raw, trust: plainTrust(raw, { host, port }, proxy !== undefined) };
  }
  const timeoutMs = LONGEST_DIAL_MS;
  return secureSocket(raw, {
    host,
    port,
    verify,
    ca,
    servername,
    clock,
    signal,
    timeoutMs,
    alpn: "http/1.1",
  });
}

/** The socket is destroyed if it fails. */
async function upgrade(
  socket: Socket,
  target: WebSocketTarget,
  options: WebSocketOptions,
  { signal }: Attempt,
): Promise<WebSocket> {
  guardSocket(socket);
  const { WebSocket: Client } = await import("ws");
  if (signal.aborted || socket.destroyed) {
    socket.destroy();
    throw signal.aborted ? aborted(signal.reason) : upgradeFailure(target, socket.errored);
  }
  const client = new Client(target.url, HOLDFAST_SUBPROTOCOL, clientOptions(socket, target, options));
  // Whatever it says of its end later is no news, and must not end the process.
  client.on("error", () => undefined);
  return new Promise((resolve, reject) => {
    const fail = (error: HoldfastError): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(aborted(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    const onError = (error: Error): void =>
      fail(isTimeout(error) ? handshakeTimedOut(target, LONGEST_DIAL_MS) : upgradeFailure(target, error));
    client.once("error", onError);
    client.once("unexpected-response", (_: ClientRequest, response: IncomingMessage) => {
      fail(upgradeRefused(target, response.statusCode ?? 0, response.headers["retry-after"]));
    });
    client.once("open", () => {
      // Nothing is lost between now and `read`.
      client.pause();
      signal.removeEventListener("abort", onAbort);
      client.removeListener("error", onError);
      resolve(client);
    });
  });
}

function clientOptions(socket: Socket, target: WebSocketTarget, options: WebSocketOptions): ClientOptions {
  const settings = {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    closeTimeout: WEBSOCKET_CLOSE_MS,
    handshakeTimeout: LONGEST_DIAL_MS,
    followRedirects: false,
    skipUTF8Validation: true,
    headers: { ...options.headers },
  };
  // The mask protects plain proxies from what a page may send through them. Under TLS they see nothing, and in
  // JavaScript it costs more than all the rest.
  const unmasked = target.secure && !masksFast();
  return unmasked ? { ...settings, generateMask: (mask) => void mask.fill(0) } : settings;
}

let fastMask: boolean | undefined;

/** Whether `ws` finds the native module that masks for it. */
function masksFast(): boolean {
  fastMask ??= process.env["WS_NO_BUFFER_UTIL"] === undefined && resolves("bufferutil");
  return fastMask;
}

function resolves(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

function isTimeout(error: Error): boolean {
  return error.message === "Opening handshake has timed out";
}

function unverified(): HoldfastError {
  const message = "a wss link needs `verify`, which decides who the other end is";
  return new HoldfastError({ code: "bad_config", message, kind: "fatal", fault: "local" });
}
