// The session by itself: two ends back to back in this process, no link, no system call.
import { createSession, DEFAULT_SESSION_LIMITS, KIND, type Session } from "@holdfast/core/session";

export interface CoreFigures {
  /** Bytes a second through both ends, in writes of 64 KiB. */
  readonly bulk: number;
  /** Messages of 64 bytes a second, through both ends. */
  readonly small: number;
}

const ROOM = 512 * 1_024;

export function measureCore(seconds: number): CoreFigures {
  run(64 * 1_024, seconds / 2);
  const bulk = run(64 * 1_024, seconds);
  run(64, seconds / 2);
  return { bulk, small: run(64, seconds) / 64 };
}

/** @returns bytes a second. */
function run(writeBytes: number, seconds: number): number {
  const client = createSession({ role: "client", limits: DEFAULT_SESSION_LIMITS });
  const server = createSession({ role: "server", limits: DEFAULT_SESSION_LIMITS });
  let now = performance.now();
  client.begin(server.limits, 7, now);
  server.begin(client.limits, 7, now);
  const stream = client.open(KIND.tcp, new Uint8Array(0));
  const bytes = new Uint8Array(writeBytes);
  const startedAt = now;
  let read = 0;
  while (now - startedAt < seconds * 1_000) {
    while (stream.writable) stream.write(bytes);
    carry(client, server, now);
    read += drain(server);
    carry(server, client, now);
    drain(client);
    now = performance.now();
    client.timeout(now);
    server.timeout(now);
  }
  return (read * 1_000) / (now - startedAt);
}

function carry(from: Session, to: Session, now: number): void {
  for (let left = ROOM; ;) {
    const piece = from.pollTransmit(left, now);
    if (piece === undefined) return;
    left -= piece.length;
    to.receive(piece, now);
  }
}

function drain(session: Session): number {
  let read = 0;
  for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
    if (event.type !== "readable" && event.type !== "opened") continue;
    for (let piece = event.stream.read(); piece !== undefined; piece = event.stream.read()) {
      read += piece.length;
      event.stream.consumed(piece.length);
    }
  }
  return read;
}
