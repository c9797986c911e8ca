// The first words of a connection, from the client's side: the secret if there is one, then what the client wants,
// in one piece and without waiting, because a relay says nothing when it accepts a secret.
import type { Clock } from "@holdfast/core";
import { HoldfastError } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import { answerChallenge, type SecretKey } from "../auth.ts";
import {
  connectionClosed,
  failureOfText,
  notOurPeer,
  silence,
  timedOut,
  type Circumstances,
} from "../failures.ts";
import type { FrameStream } from "../frame-stream.ts";
import {
  beginsServerMessage,
  decodeServerMessage,
  encode,
  type ClientMessage,
  type Read,
  type ServerMessage,
} from "../messages.ts";
import { CLIENT_TEXT } from "../texts.ts";

/** How long a relay may take to send its challenge, in milliseconds: a little less than it waits for us. */
const CHALLENGE_MS = 2_600;
/** A relay that was silent for this long before it hung up was waiting for us. */
const SILENCE_MS = 2_500;

export interface Introduction {
  readonly socket: Socket;
  readonly frames: FrameStream;
  readonly key: SecretKey | undefined;
  readonly clock: Clock;
  readonly circumstances: Circumstances;
}

/**
 * Say who we are and what we want.
 * @throws HoldfastError as `failures.ts` has it.
 */
export async function introduce(introduction: Introduction, wish: ClientMessage): Promise<void> {
  const { socket, key } = introduction;
  if (key === undefined) {
    socket.write(encode(wish));
    return;
  }
  const first = await firstWord(introduction);
  if (first.type === "error") throw failureOfText(first.text, introduction.circumstances);
  if (first.type !== "challenge") throw failureOfText(CLIENT_TEXT.noChallenge, introduction.circumstances);
  const tag = answerChallenge(key, first.id);
  socket.write(Buffer.concat([encode({ type: "authenticate", tag }), encode(wish)]));
}

/**
 * The port that the relay gave us.
 * @throws HoldfastError as `failures.ts` has it.
 */
export async function awaitPort({ frames, key, circumstances }: Introduction): Promise<number> {
  const message = await readServerMessage(frames);
  switch (message.type) {
    case "hello":
      // An echo of our own Hello, for one: no relay gives port 0 away.
      if (message.port === 0) throw notOurPeer(CLIENT_TEXT.notHello);
      return message.port;
    case "error":
      throw failureOfText(message.text, circumstances);
    case "challenge":
      throw key === undefined
        ? failureOfText(CLIENT_TEXT.secretMissing, circumstances)
        : notOurPeer(CLIENT_TEXT.notHello);
    case "end":
      throw connectionClosed();
    case "heartbeat":
    case "connection":
      throw notOurPeer(CLIENT_TEXT.notHello);
  }
}

/** @throws HoldfastError `not_our_peer` for what is no message, else the socket's error. */
export async function readServerMessage(frames: FrameStream): Promise<Read<ServerMessage>> {
  let frame: Uint8Array | undefined;
  try {
    frame = await frames.next();
    return frame === undefined ? { type: "end" } : decodeServerMessage(frame);
  } catch (error) {
    const failure = HoldfastError.from(error);
    if (failure.code !== "bad_message" && failure.code !== "frame_too_long") throw failure;
    if (frame !== undefined && !frames.terminated && beginsServerMessage(frame)) return { type: "end" };
    throw notOurPeer(failure.text, failure);
  }
}

/** The relay's challenge, or whatever it says instead. A relay without a secret waits for us, as we for it. */
async function firstWord({ frames, clock, circumstances }: Introduction): Promise<Read<ServerMessage>> {
  const began = clock.mono();
  const seemsToWait = (): boolean => !frames.heard && clock.mono() - began >= SILENCE_MS;
  const timer = clock.timer(() => frames.abort(seemsToWait() ? silence(circumstances) : timedOut()));
  timer.set(CHALLENGE_MS);
  try {
    const message = await readServerMessage(frames);
    if (message.type !== "end") return message;
    throw seemsToWait() ? silence(circumstances) : connectionClosed();
  } finally {
    timer.clear();
  }
}
