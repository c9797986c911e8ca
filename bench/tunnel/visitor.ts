// A visitor's connection, read answer by answer.
import { connect, type Socket } from "node:net";
import type { Address } from "./address.ts";

const ANSWER_TIMEOUT_MS = 10_000;

export class Visitor {
  readonly #socket: Socket;
  #got = 0;
  #wanted = 0;
  #resolve: (() => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setTimeout(ANSWER_TIMEOUT_MS, () =>
      socket.destroy(new Error(`silent for ${ANSWER_TIMEOUT_MS} ms`)),
    );
    socket.on("data", (chunk: Buffer) => this.#take(chunk.length));
    socket.on("error", (error) => this.#reject?.(error));
    socket.on("close", () => this.#reject?.(new Error("the connection ended without an answer")));
  }

  /** The connection is on its way when this returns. */
  static dial({ host, port }: Address): Visitor {
    return new Visitor(connect({ host, port, noDelay: true }));
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Wait until so many more bytes have come. @throws Error if the connection ends before. */
  answer(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wanted += bytes;
      this.#resolve = resolve;
      this.#reject = reject;
      this.#take(0);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: number): void {
    this.#got += bytes;
    if (this.#got < this.#wanted || this.#resolve === undefined) return;
    const resolve = this.#resolve;
    this.#resolve = this.#reject = undefined;
    resolve();
  }
}
