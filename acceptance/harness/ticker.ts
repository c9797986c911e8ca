// A visitor that types: one numbered byte at a time, and looks whether each comes back once and in order.
import { connect, type Socket } from "node:net";
import { until } from "./condition.ts";
import { fateOf } from "./fate.ts";
import type { Scene } from "./scene.ts";

/** The k-th byte is k modulo this prime, so that a block that is lost or repeated whole shows as well. */
const NUMBERS = 251;

export interface TickerOptions {
  /** Between two bytes. Default 100. */
  readonly intervalMs?: number;
}

export class Ticker {
  sent = 0;
  /** How many came back, right or wrong. */
  echoed = 0;
  /** What came back out of order, in words; `undefined` if nothing did. */
  wrong: string | undefined = undefined;
  /** `end`, or the code of the error that broke it off; `undefined` while the socket is open. */
  fate: string | undefined = undefined;
  /** When the last byte came back. */
  heardAt: number = performance.now();
  /** The longest time between two echoes. */
  longestGapMs = 0;
  readonly #socket: Socket;
  #timer: NodeJS.Timeout | undefined;

  /** Connect to an echo at `port`, and type until `finish` or the end of the scene. */
  constructor(scene: Scene, port: number, { intervalMs = 100 }: TickerOptions = {}) {
    this.#socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#socket
      .on("connect", () => {
        this.type();
        this.#timer = setInterval(() => this.type(), intervalMs);
      })
      .on("data", (chunk: Buffer) => this.#hear(chunk));
    void fateOf(this.#socket).then((fate) => {
      this.fate = fate;
      clearInterval(this.#timer);
    });
    scene.onEnd(() => {
      clearInterval(this.#timer);
      this.#socket.destroy();
    });
  }

  /** One byte, now. */
  type(): void {
    if (!this.#socket.writable) return;
    this.#socket.write(Buffer.of(this.sent % NUMBERS));
    this.sent += 1;
  }

  /** Everything that was sent so far has come back. @throws Error with the figures, if it has not. */
  async catchesUp(deadlineMs?: number): Promise<void> {
    const { sent } = this;
    await this.#holds(`${sent} bytes are back`, () => this.echoed >= sent, deadlineMs);
  }

  /** Another echo comes, later than now. */
  async goesOn(deadlineMs?: number): Promise<void> {
    const { echoed } = this;
    await this.#holds("it goes on", () => this.echoed > echoed, deadlineMs);
  }

  /** It is broken off or ended, whichever; gives the fate. */
  async isOver(deadlineMs?: number): Promise<string> {
    return until("the visitor's connection is over", () => this.fate, deadlineMs);
  }

  /** Stop typing, say so, and wait for all the echoes and the far end. Gives the number of bytes. */
  async finish(deadlineMs?: number): Promise<number> {
    clearInterval(this.#timer);
    this.#socket.end();
    await this.#holds("the echo ends", () => this.fate === "end", deadlineMs);
    if (this.echoed !== this.sent) throw new Error(`${this.sent} bytes were sent, ${this.echoed} came back`);
    return this.sent;
  }

  async #holds(what: string, holds: () => boolean, deadlineMs?: number): Promise<void> {
    await until(
      `${what}; ${this.sent} sent, ${this.echoed} back, fate ${this.fate}`,
      () => {
        if (this.wrong !== undefined) throw new Error(this.wrong);
        return holds();
      },
      deadlineMs,
    );
  }

  #hear(chunk: Buffer): void {
    const now = performance.now();
    this.longestGapMs = Math.max(this.longestGapMs, now - this.heardAt);
    this.heardAt = now;
    for (const byte of chunk) {
      const expected = this.echoed % NUMBERS;
      if (byte !== expected) this.wrong ??= `byte ${this.echoed} came back as ${byte} instead of ${expected}`;
      this.echoed += 1;
    }
  }
}
