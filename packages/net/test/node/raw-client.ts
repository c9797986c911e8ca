// A client that says exactly what it is told to, byte for byte.
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { Endpoint } from "@holdfast/net/node";

/** Everything that came until the end; empty if it was cut. */
export async function exchange(
  endpoint: Endpoint,
  said: string | Buffer,
  pieceBytes = Infinity,
): Promise<string> {
  const socket = connect(endpoint as { host: string; port: number });
  const answer = answerOf(socket);
  await once(socket, "connect");
  await sayIn(socket, Buffer.from(said), pieceBytes);
  return answer;
}

async function answerOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  if (!socket.closed) await once(socket, "close").catch(() => undefined);
  return Buffer.concat(chunks).toString();
}

export async function sayIn(socket: Socket, bytes: Buffer, pieceBytes: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (socket.destroyed) return;
    await new Promise((taken) => socket.write(bytes.subarray(at, at + pieceBytes), taken));
    // The other side shall see each by itself.
    await setImmediate();
    await setImmediate();
  }
}

export function request(lines: readonly string[], body = ""): string {
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
