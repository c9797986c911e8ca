// Closing a connection so that the last words arrive: end it, keep reading for a moment, then destroy it. A socket
// that is destroyed with unread bytes sends a reset, and a reset overtakes the words.
import type { Clock } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import { encode } from "../messages.ts";
import { ExpiryQueue } from "../../relay/expiry.ts";
import type { RelayLimits } from "./limits.ts";

export class Farewells {
  readonly #clock: Clock;
  readonly #leaving: ExpiryQueue<Socket>;
  readonly #most: number;
  readonly #onStart: () => void;

  /** `onStart` is called when there is something to look after again. */
  constructor(clock: Clock, limits: RelayLimits, onStart: () => void) {
    this.#clock = clock;
    this.#leaving = new ExpiryQueue(limits.farewellMs);
    this.#most = limits.handshakes;
    this.#onStart = onStart;
  }

  get size(): number {
    return this.#leaving.size;
  }

  /** Say why, and close. */
  refuse(socket: Socket, text: string): void {
    socket.write(encode({ type: "error", text }));
    this.close(socket);
  }

  /** Close behind whatever was said. */
  close(socket: Socket): void {
    if (socket.destroyed) return;
    // Nobody may hold more connections by leaving than by coming.
    if (this.#leaving.size >= this.#most) return void socket.destroy();
    this.#leaving.add(socket, this.#clock.mono());
    socket.once("close", () => this.#leaving.delete(socket));
    socket.once("end", () => socket.destroySoon());
    socket.on("error", () => socket.destroy());
    socket.end();
    if (socket.readableEnded) socket.destroySoon();
    else socket.resume();
    this.#onStart();
  }

  tick(): void {
    for (const socket of this.#leaving.expire(this.#clock.mono())) socket.destroy();
  }

  /** Destroy them all now. */
  clear(): void {
    for (const socket of this.#leaving.clear()) socket.destroy();
  }
}
