// The first words of a connection, from the relay's side: the secret if there is one, then what the peer wants.
import { HoldfastError } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import { checkAnswer, type SecretKey } from "../bore/auth.ts";
import type { FrameStream } from "../bore/frame-stream.ts";
import { decodeClientMessage, encode } from "../bore/messages.ts";
import { RELAY_TEXT } from "../bore/texts.ts";
import type { Uuid } from "../bore/uuid.ts";

export type Greeting =
  | { readonly type: "hello"; readonly port: number }
  | { readonly type: "accept"; readonly id: Uuid }
  /** Say this and close. */
  | { readonly type: "refuse"; readonly text: string; readonly wrongSecret: boolean }
  /** Close without a word. */
  | { readonly type: "drop" };

const DROP: Greeting = { type: "drop" };

export interface GreetingOptions {
  readonly socket: Socket;
  readonly frames: FrameStream;
  /** Absent: the relay is open to all. */
  readonly key: SecretKey | undefined;
  readonly makeUuid: () => Uuid;
}

/** Aborts a greeting that takes too long. */
export function greetingTimeout(): HoldfastError {
  return new HoldfastError({ code: "timed_out", message: "the peer did not say what it wants in time" });
}

/** Hear the peer out. Never rejects. */
export async function greet(options: GreetingOptions): Promise<Greeting> {
  const { socket, frames, key } = options;
  if (key !== undefined) {
    const refused = await authenticate(socket, frames, key, options.makeUuid());
    if (refused !== undefined) return refused;
  }
  try {
    const frame = await frames.next();
    const message = frame === undefined ? undefined : decodeClientMessage(frame);
    return message?.type === "hello" || message?.type === "accept" ? message : DROP;
  } catch {
    // Here bore says nothing either: only during authentication does a failure get a text.
    return DROP;
  }
}

/** @returns what to do instead of going on, or nothing if the peer knows the secret. */
async function authenticate(
  socket: Socket,
  frames: FrameStream,
  key: SecretKey,
  challenge: Uuid,
): Promise<Greeting | undefined> {
  socket.write(encode({ type: "challenge", id: challenge }));
  try {
    const frame = await frames.next();
    const message = frame === undefined ? undefined : decodeClientMessage(frame);
    if (message?.type !== "authenticate") return refuse(RELAY_TEXT.secretRequired);
    if (checkAnswer(key, challenge, message.tag)) return undefined;
    return { type: "refuse", text: RELAY_TEXT.invalidSecret, wrongSecret: true };
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
