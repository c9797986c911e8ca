// One control connection to a bore relay, as a link for a line: it comes up with a port, tells of visitors, and is
// lost when the relay is.
import { HoldfastError, type Clock } from "@holdfast/core";
import type { Attempt, Dial, Link } from "@holdfast/net";
import { openSocket, type Socket } from "@holdfast/net/node";
import type { SecretKey } from "../auth.ts";
import { connectionClosed } from "../failures.ts";
import { FrameStream } from "../frame-stream.ts";
import { printable } from "../../printable.ts";
import type { Uuid } from "../uuid.ts";
import { awaitPort, introduce, readServerMessage } from "./introduce.ts";

/** A tunnel's present control connection. */
export interface BoreLink extends Link {
  /** The public port. */
  readonly port: number;
}

export interface BoreDialOptions {
  readonly relay: { readonly host: string; readonly port: number };
  readonly proxy: URL | undefined;
  readonly key: SecretKey | undefined;
  readonly clock: Clock;
  readonly dialTimeoutMs: number;
  /** The port to ask for. */
  readonly wantedPort: () => number;
  readonly onUp: (link: BoreLink) => void;
  readonly onLost: () => void;
  readonly onVisitor: (id: Uuid) => void;
  readonly onWarning: (warning: HoldfastError) => void;
}

export function boreDial(options: BoreDialOptions): Dial<BoreLink, undefined> {
  return async (attempt) => {
    const { relay, proxy, key, clock, dialTimeoutMs, onWarning } = options;
    const { signal } = attempt;
    const socket = await openSocket(relay, { signal, proxy, clock, timeoutMs: dialTimeoutMs, onWarning });
    const frames = new FrameStream(socket, { onBytes: () => attempt.heard() });
    const onAbort = (): void => frames.abort(HoldfastError.from(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const circumstances = { first: attempt.epoch <= 1, secret: key !== undefined };
      const introduction = { socket, frames, key, clock, circumstances };
      await introduce(introduction, { type: "hello", port: options.wantedPort() });
      const link = makeLink(socket, await awaitPort(introduction));
      options.onUp(link);
      void follow(frames, attempt, options);
      return link;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };
}

function makeLink(socket: Socket, port: number): BoreLink {
  return { port, beats: true, localAddress: socket.localAddress, close: () => void socket.destroy() };
}

/** Read what the relay says until the end of the link. */
async function follow(frames: FrameStream, attempt: Attempt, options: BoreDialOptions): Promise<void> {
  let cause: unknown;
  try {
    while (await handleNext(frames, options));
    cause = connectionClosed();
  } catch (error) {
    cause = error;
  }
  options.onLost();
  attempt.lost(cause);
}

/** @returns whether the relay has more to say. */
async function handleNext(frames: FrameStream, options: BoreDialOptions): Promise<boolean> {
  const message = await readServerMessage(frames);
  switch (message.type) {
    case "connection":
      options.onVisitor(message.id);
      return true;
    case "error":
      // The real client goes on after an error in the middle of a tunnel, and so do we.
      options.onWarning(relayWarning(`the relay said: ${printable(message.text)}`));
      return true;
    case "hello":
    case "challenge":
      options.onWarning(relayWarning(`the relay sent an unexpected ${message.type}`));
      return true;
    case "heartbeat":
      return true;
    case "end":
      return false;
  }
}

function relayWarning(message: string): HoldfastError {
  return new HoldfastError({ code: "relay_warning", message, fault: "peer" });
}
