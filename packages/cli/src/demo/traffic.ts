// A small web service, and somebody who asks it something all the time through the tunnel.
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PacedAnswer } from "./download.ts";

const INTERVAL_MS = 100;
const TIMEOUT_MS = 1_500;
/** How many of the last requests the picture shows. */
const SHOWN = 50;

export interface SampleService {
  readonly port: number;
  /** The hash of the last download that it has sent wholly. */
  readonly sentHash: string | undefined;
  close(): Promise<void>;
}

/** Start the service on any free port. */
export async function startSampleService(): Promise<SampleService> {
  let served = 0;
  let download: PacedAnswer | undefined;
  const server: Server = createServer((request, response) => {
    if (request.url === "/download") {
      download = new PacedAnswer(response);
      return;
    }
    response.setHeader("connection", "close");
    response.end(`hello number ${++served}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get sentHash() {
      return download?.hash;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One request each tenth of a second, each on a connection of its own, as visitors come. */
export class Traffic {
  served = 0;
  failed = 0;
  /** The longest time between two requests that were served. */
  longestGapMs = 0;
  /** `true` for served, oldest first; at most as many as are shown. */
  readonly recent: boolean[] = [];
  readonly #address: () => { readonly host: string; readonly port: number } | undefined;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #lastServedAt: number | undefined;
  #stopped = false;

  constructor(
    address: () => { readonly host: string; readonly port: number } | undefined,
    now: () => number,
  ) {
    this.#address = address;
    this.#now = now;
    this.#timer = setInterval(() => this.#ask(), INTERVAL_MS);
  }

  /** The longest gap, the one that goes on now included. */
  get gapMs(): number {
    const running = this.#lastServedAt === undefined ? 0 : this.#now() - this.#lastServedAt;
    return Math.max(this.longestGapMs, running);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  #ask(): void {
    const address = this.#address();
    if (address === undefined) return;
    let done = false;
    const settle = (served: boolean): void => {
      if (!done) this.#count(served);
      done = true;
    };
    const request = get(
      { host: "127.0.0.1", port: address.port, agent: false, timeout: TIMEOUT_MS },
      (response) => {
        response.resume();
        response.once("end", () => settle(response.statusCode === 200));
        response.once("error", () => settle(false));
      },
    );
    request.once("timeout", () => request.destroy());
    request.once("error", () => settle(false));
    request.once("close", () => settle(false));
  }

  #count(served: boolean): void {
    if (this.#stopped) return;
    this.recent.push(served);
    if (this.recent.length > SHOWN) this.recent.shift();
    if (!served) {
      this.failed++;
      return;
    }
    this.served++;
    const now = this.#now();
    if (this.#lastServedAt !== undefined)
      this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastServedAt);
    this.#lastServedAt = now;
  }
}
