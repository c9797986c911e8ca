// A path as long as one likes, a program of its own: `long-path.js [HOST:]PORT [HOST:]TARGET DELAY_MS [BYTES_PER_SECOND]`
// hands on what comes after so many milliseconds each way, at most so fast. A connection's own handshake takes a
// round trip too: the first bytes of whoever dialled wait for it.
import { connect, createServer, type Socket } from "node:net";

/** A path holds no more than this, in bytes; then the sender has to wait. */
const MOST_HELD_BYTES = 16 * 1_024 * 1_024;
/** A router's buffer on a path of a given rate: so much of it, in milliseconds, on top of what is under way. */
const ROUTER_MS = 50;

const [near = "", far = "", delay = "0", rate = "0"] = process.argv.slice(2);
const delayMs = Number(delay);
const bytesPerMs = rate === "0" ? Infinity : Number(rate) / 1_000;
const [from, to] = [addressOf(near), addressOf(far)];

createServer({ allowHalfOpen: true, noDelay: true }, (dialler) => {
  const target = connect({ ...to, allowHalfOpen: true, noDelay: true });
  carry(dialler, target, performance.now() + 2 * delayMs);
  carry(target, dialler, 0);
  for (const [one, other] of [
    [dialler, target],
    [target, dialler],
  ] as const) {
    one.on("error", () => one.destroy()).on("close", () => other.destroy());
  }
}).listen({ ...from, backlog: 4_096 }, () => console.log("ready"));

function addressOf(text: string): { host: string; port: number } {
  const [port = "", host = "127.0.0.1"] = text.split(":").toReversed();
  return { host, port: Number(port) };
}

interface Held {
  readonly at: number;
  /** Nothing stands for the end. */
  readonly bytes: Buffer | undefined;
}

function carry(source: Socket, sink: Socket, openAt: number): void {
  // Bounded by `most` bytes: the source is paused.
  const held: Held[] = [];
  const most = Math.min(MOST_HELD_BYTES, bytesPerMs * (delayMs + ROUTER_MS));
  let heldBytes = 0;
  let freeAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const flow = (): void => {
    timer = undefined;
    for (let first = held[0]; first !== undefined; first = held[0]) {
      const wait = first.at - performance.now();
      if (wait > 0) {
        timer = setTimeout(flow, wait);
        break;
      }
      held.shift();
      if (first.bytes === undefined) {
        sink.end();
        continue;
      }
      heldBytes -= first.bytes.length;
      sink.write(first.bytes);
    }
    if (heldBytes < most) source.resume();
  };
  const hold = (bytes: Buffer | undefined): void => {
    const now = Math.max(performance.now(), openAt, freeAt);
    freeAt = now + (bytes?.length ?? 0) / bytesPerMs;
    held.push({ at: freeAt + delayMs, bytes });
    timer ??= setTimeout(flow, held[0] === undefined ? 0 : held[0].at - performance.now());
  };
  source.on("data", (bytes: Buffer) => {
    heldBytes += bytes.length;
    if (heldBytes >= most) source.pause();
    // In pieces, so that it trickles as it would.
    const step = bytesPerMs === Infinity ? bytes.length : Math.max(1_500, Math.floor(bytesPerMs));
    for (let at = 0; at < bytes.length; at += step) hold(bytes.subarray(at, at + step));
  });
  source.on("end", () => hold(undefined));
}
