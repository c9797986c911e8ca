// The far application of the suite: each stream says in its metadata what it wants.
import type { SessionStream } from "@holdfast/core/session";
import type { SessionHandle } from "../session/surface.ts";
import { pattern, sha256 } from "./demands.ts";
import type { StreamChannel } from "./stream-channel.ts";
import { acceptChannel } from "./stream-channel.ts";

/** What streams ask for: the word, then numbers. */
export type Wish =
  /** Everything back, in pieces as they come, and the end behind it. */
  | "echo"
  /** The length and the hash of all that was sent, behind its end. */
  | "hash"
  /** So many bytes of a pattern, then the end. */
  | `give ${number} ${number}`
  /** Broken off with this code, after so many bytes were read. */
  | `break ${number} ${number}`
  /** Never read, never answered. */
  | "ignore"
  /** Read a little at a time, then as `hash`. */
  | "sip";

const PIECE_BYTES = 40_000;

/** Do what a stream asks for. Resolves when it is done with, however that came. */
export async function serve(session: SessionHandle, stream: SessionStream): Promise<void> {
  const [wish, ...words] = Buffer.from(stream.metadata).toString().split(" ");
  const numbers = words.map(Number);
  const channel = acceptChannel(session, stream);
  try {
    if (wish === "echo") await echo(channel);
    else if (wish === "hash" || wish === "sip") await answerHash(channel, wish === "sip");
    else if (wish === "give") await give(channel, numbers[0] ?? 0, numbers[1] ?? 0);
    else if (wish === "break") await breakOff(channel, numbers[0] ?? 1, numbers[1] ?? 0);
  } catch {
    // Broken off: the other side demands what it has to be.
  }
}

async function echo(channel: StreamChannel): Promise<void> {
  for (;;) {
    const bytes = await channel.receive();
    if (bytes === undefined) return channel.end();
    await channel.send(bytes);
  }
}

async function answerHash(channel: StreamChannel, sips: boolean): Promise<void> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const bytes = await channel.receive();
    if (bytes === undefined) break;
    pieces.push(bytes);
    if (sips) await new Promise((go) => setImmediate(go));
  }
  const all = Buffer.concat(pieces);
  await channel.send(Buffer.from(`${all.length} ${sha256(all)}`));
  channel.end();
}

async function give(channel: StreamChannel, length: number, seed: number): Promise<void> {
  const bytes = pattern(length, seed);
  for (let at = 0; at < length; at += PIECE_BYTES) await channel.send(bytes.subarray(at, at + PIECE_BYTES));
  channel.end();
}

async function breakOff(channel: StreamChannel, code: number, after: number): Promise<void> {
  let read = 0;
  while (read < after) {
    const bytes = await channel.receive();
    if (bytes === undefined) break;
    read += bytes.length;
  }
  channel.stream.reset(code);
}
