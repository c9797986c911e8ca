// Bytes that depend on a seed and their position, so that a lost, repeated or moved byte shows in the hash.
import { createHash } from "node:crypto";
import type { Socket } from "node:net";

const CHUNK = 64 * 1024;

export interface Content {
  readonly bytes: number;
  readonly hash: string;
}

function patternChunk(seed: number, offset: number, length: number): Buffer {
  const chunk = Buffer.allocUnsafe(length);
  for (let i = 0; i + 4 <= length; i += 4) chunk.writeUInt32LE(Math.imul(seed + 1, offset + i + 1) >>> 0, i);
  chunk.fill(seed & 0xff, length - (length % 4));
  return chunk;
}

export function patternHash(seed: number, bytes: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes; at += CHUNK) hash.update(patternChunk(seed, at, Math.min(CHUNK, bytes - at)));
  return hash.digest("hex");
}

/** Write that many bytes of that pattern as fast as the other side takes them, then end. */
export function sendPattern(socket: Socket, seed: number, bytes: number): void {
  let at = 0;
  const send = (): void => {
    while (at < bytes) {
      const length = Math.min(CHUNK, bytes - at);
      const more = socket.write(patternChunk(seed, at, length));
      at += length;
      if (!more) return void socket.once("drain", send);
    }
    socket.end();
  };
  send();
}

/** Counts and hashes what comes. */
export class Digest {
  bytes = 0;
  readonly #hash = createHash("sha256");

  take(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
  }

  /** Once, when all has come. */
  finish(): Content {
    return { bytes: this.bytes, hash: this.#hash.digest("hex") };
  }
}
