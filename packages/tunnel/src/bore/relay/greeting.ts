// The first words of a connection, from the relay's side: the secret if there is one, then what the peer wants.
import { HoldfastError } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import { checkAnswer, type SecretKey } from "../auth.ts";
import type { FrameStream } from "../frame-stream.ts";
import { decodeClientMessage, encode } from "../messages.ts";
import { RELAY_TEXT } from "../texts.ts";
import type { Uuid } from "../uuid.ts";

export type Greeting =
  | { readonly type: "hello"; readonly port: number }
  | { readonly type: "accept"; readonly id: Uuid }
  /** Say this and close. */
  | { readonly type: "refuse"; readonly text: string; readonly wrongSecret: boolean }
  /** Close without a word. */
  | { readonly type: "drop" };

const DROP: Greeting = { type: "drop" };
const WRONG_SECRET: Greeting = { type: "refuse", text: RELAY_TEXT.invalidSecret, wrongSecret: true };

export interface GreetingOptions {
  readonly socket: Socket;
  readonly frames: FrameStream;
  /** The secret first, then older ones, which are good for taking visitors only. None: the relay is open to all. */
  readonly keys: readonly SecretKey[];
  readonly makeUuid: () => Uuid;
}

/** Aborts a greeting that takes too long. */
export function greetingTimeout(): HoldfastError {
  return new HoldfastError({ code: "timed_out", message: "the peer did not say what it wants in time" });
}

/** Hear the peer out. Never rejects. */
export async function greet(options: GreetingOptions): Promise<Greeting> {
  const { socket, frames, keys } = options;
  let stale = false;
  if (keys.length > 0) {
    const known = await authenticate(socket, frames, keys, options.makeUuid());
    if (typeof known !== "number") return known;
    stale = known > 0;
  }
  try {
    const frame = await frames.next();
    const message = frame === undefined ? undefined : decodeClientMessage(frame);
    // Clients that were here before the secret changed still bring a connection for each visitor.
    if (stale && message?.type === "hello") return WRONG_SECRET;
    return message?.type === "hello" || message?.type === "accept" ? message : DROP;
  } catch {
    // Here bore says nothing either: only during authentication does a failure get a text.
    return DROP;
  }
}

/** @returns which of the secrets the peer knows, or what to do instead of going on. */
async function authenticate(
  socket: Socket,
  frames: FrameStream,
  keys: readonly SecretKey[],
  challenge: Uuid,
): Promise<Greeting | number> {
  socket.write(encode({ type: "challenge", id: challenge }));
  try {
    const frame = await frames.next();
    const message = frame === undefined ? undefined : decodeClientMessage(frame);
    if (message?.type !== "authenticate") return refuse(RELAY_TEXT.secretRequired);
    const { tag } = message;
    const known = keys.findIndex((key) => checkAnswer(key, challenge, tag));
    return known === -1 ? WRONG_SECRET : known;
  } catch (error) {
    const text = textOf(HoldfastError.from(error).code);
    return text === undefined ? DROP : refuse(text);
  }
}

function refuse(text: string): Greeting {
  return { type: "refuse", text, wrongSecret: false };
}

function textOf(code: string): string | undefined {
  if (code === "frame_too_long") return RELAY_TEXT.frameTooLong;
  if (code === "bad_message") return RELAY_TEXT.unparsable;
  if (code === "timed_out") return RELAY_TEXT.timedOut;
  return undefined;
}
