// Ports for programs that cannot choose one themselves, away from those that the kernel gives to clients.
import { createServer } from "node:net";

const FIRST = 15_000;
const LAST = 19_999;

let next = FIRST + (process.pid % 1_000) * 4;

/** A port of 127.0.0.1 that nobody listens on, and that this process has not given out before. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < LAST - FIRST; tried++) {
    const port = next;
    next = next === LAST ? FIRST : next + 1;
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
