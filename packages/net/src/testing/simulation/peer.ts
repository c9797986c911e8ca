// The other end: it answers dials as it is told to, keeps its links alive, acknowledges what it gets, and can be
// rude in every way that a peer can.
import { HoldfastError } from "@holdfast/core";
import type { Dice, Pipe, PipeEnd, World } from "@holdfast/core/testing";

export type Message =
  | { readonly type: "hello"; readonly token: number | undefined }
  | { readonly type: "welcome"; readonly windowMs: number | undefined }
  | { readonly type: "refused"; readonly failure: HoldfastError }
  | { readonly type: "ping" | "pong" | "beat" | "bulk" }
  | { readonly type: "data"; readonly bytes: number }
  | { readonly type: "ack"; readonly bytes: number }
  | { readonly type: "drain"; readonly windowMs: number | undefined }
  | { readonly type: "bye"; readonly failure: HoldfastError };

export type Answer =
  | {
      readonly type: "welcome";
      readonly windowMs?: number | undefined;
      readonly kickAfterMs?: number | undefined;
    }
  /** Accepts, and never says a word. */
  | { readonly type: "mute" }
  | { readonly type: "refuse"; readonly failure: HoldfastError }
  | { readonly type: "hang_up" };

const SMALL = 16;

export class Peer {
  /** How a dial is answered. */
  answer: () => Answer = () => ({ type: "welcome" });
  /** How long it thinks before it answers a hello. */
  handshakeMs = 5;
  /** The oldest token that it takes; `undefined`: it asks for none. */
  leastToken: number | undefined = undefined;
  pongs = true;
  pongDelayMs = 0;
  /** Speaks by itself this often. */
  beatMs: number | undefined = undefined;
  /** Sends this much by itself, often enough to delay its answers. */
  bulk: { readonly bytes: number; readonly everyMs: number } | undefined = undefined;
  /** Pings are answered and data is not acknowledged. */
  acks = true;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #links = new Set<PipeEnd<Message>>();

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
  }

  accept(pipe: Pipe<Message>): void {
    const end = pipe.far;
    end.listen({
      message: (message) => this.#heard(end, message),
      ended: () => void this.#links.delete(end),
    });
  }

  /** To all that are connected. */
  say(message: Message): void {
    for (const end of this.#links) end.send(message, SMALL);
  }

  hangUp(farewell?: HoldfastError): void {
    for (const end of this.#links) {
      if (farewell !== undefined) end.send({ type: "bye", failure: farewell }, SMALL);
      end.close();
    }
    this.#links.clear();
  }

  #heard(end: PipeEnd<Message>, message: Message): void {
    switch (message.type) {
      case "hello":
        this.#world.after(this.handshakeMs * this.#dice.between(0.5, 1.5), () =>
          this.#reply(end, message.token),
        );
        return;
      case "ping":
        if (this.pongs) this.#world.after(this.pongDelayMs, () => end.send({ type: "pong" }, SMALL));
        return;
      case "data":
        if (this.acks) end.send({ type: "ack", bytes: message.bytes }, SMALL);
        return;
      default:
        return;
    }
  }

  #reply(end: PipeEnd<Message>, token: number | undefined): void {
    const answer =
      this.leastToken !== undefined && (token ?? -1) < this.leastToken ? refusedToken() : this.answer();
    switch (answer.type) {
      case "mute":
        return;
      case "hang_up":
        return end.close();
      case "refuse":
        end.send({ type: "refused", failure: answer.failure }, SMALL);
        return end.close();
      case "welcome":
        return this.#welcome(end, answer);
    }
  }

  #welcome(end: PipeEnd<Message>, answer: Extract<Answer, { type: "welcome" }>): void {
    end.send({ type: "welcome", windowMs: answer.windowMs }, SMALL);
    this.#links.add(end);
    this.#repeat(
      end,
      () => this.beatMs,
      () => end.send({ type: "beat" }, SMALL),
    );
    this.#repeat(
      end,
      () => this.bulk?.everyMs,
      () => end.send({ type: "bulk" }, this.bulk?.bytes ?? 0),
    );
    if (answer.kickAfterMs === undefined) return;
    this.#world.after(answer.kickAfterMs, () => {
      this.#links.delete(end);
      end.close();
    });
  }

  #repeat(end: PipeEnd<Message>, everyMs: () => number | undefined, act: () => void): void {
    const periodMs = everyMs();
    if (periodMs === undefined || !end.open) return;
    act();
    this.#world.after(periodMs, () => this.#repeat(end, everyMs, act));
  }
}

function refusedToken(): Answer {
  const failure = new HoldfastError({
    code: "token_refused",
    message: "the token has expired",
    kind: "unauthorized",
    fault: "peer",
  });
  return { type: "refuse", failure };
}
