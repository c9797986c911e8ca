// One authenticated SSH connection over a connected socket: host key first, then the credentials, then `ready`.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { peerText } from "../plugin/peer-text.ts";
import type { Credentials } from "./credentials.ts";
import { linkFailure } from "./failures.ts";
import type { HostKeyCheck } from "./host-key.ts";
import type { SshClient, SshLibraryError } from "./library.ts";
import { beginClient } from "./library.ts";

export interface LoginOptions {
  readonly socket: Duplex;
  readonly user: string;
  /** As people know it. */
  readonly host: string;
  readonly hostKey: HostKeyCheck;
  readonly credentials: Credentials;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveFailures: number;
  readonly signal: AbortSignal;
}

/**
 * The client, once it may be used. If it cannot be, the socket is destroyed.
 * @throws HoldfastError those of `HostKeyCheck` and `Credentials`, `handshake_failed`, those of sockets, and the
 * signal's reason.
 */
export function logIn(options: LoginOptions): Promise<SshClient> {
  const { socket, signal, hostKey, credentials } = options;
  return new Promise((resolve, reject) => {
    let settled = false;
    // The first failure is the reason; what ssh2 says afterwards are its consequences.
    const fail = (error: unknown): void => {
      if (settled) return;
      settled = true;
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      reject(error as Error);
    };
    const onAbort = (): void => fail(signal.reason);
    credentials.attach(fail);
    const client = beginClient({
      socket,
      user: options.user,
      hostKeyAlgorithms: hostKey.algorithms,
      verifyHostKey: (key, answer) => {
        hostKey.judge(key).then(
          () => answer(true),
          (error: unknown) => {
            fail(error);
            answer(false);
          },
        );
      },
      nextMethod: (methodsLeft, partial, answer) => {
        credentials.next(methodsLeft, partial).then((method) => answer(method), fail);
      },
      keepaliveIntervalMs: options.keepaliveIntervalMs,
      keepaliveFailures: options.keepaliveFailures,
    });
    client.on("error", (error: SshLibraryError) => {
      if (error.level === "agent") credentials.note(`the agent failed: ${peerText(error.message)}`);
      // A key that cannot sign is passed over; the end of all methods is ours to say.
      else if (error.level !== "client-authentication")
        fail(credentials.refusal(error) ?? linkFailure(error));
    });
    client.once("ready", () => {
      if (settled) return;
      settled = true;
      signal.removeEventListener("abort", onAbort);
      resolve(client);
    });
    // The other side's end alone does not close a socket that may be half open.
    const onEnd = (): void => {
      fail(ended(options.host));
      socket.destroy();
    };
    client.once("end", onEnd);
    client.once("close", onEnd);
    if (signal.aborted) onAbort();
    // Of an end that came before ssh2 listened it says nothing.
    else if (socket.destroyed || socket.readableEnded) fail(ended(options.host));
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function ended(host: string): HoldfastError {
  const message = `${host} ended the connection before the login was complete`;
  return new HoldfastError({ code: "handshake_failed", message, fault: "peer" });
}
