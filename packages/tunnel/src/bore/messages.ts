// The messages of the bore wire as types, their exact bytes, and how they are read back.
import { HoldfastError } from "@holdfast/core";
import { MAX_FRAME_BYTES } from "./frames.ts";
import { parseUuid, type Uuid } from "./uuid.ts";

/** What a client says. */
export type ClientMessage =
  /** The answer to a challenge: 64 hex digits. */
  | { readonly type: "authenticate"; readonly tag: string }
  /** Open a tunnel on this port; 0 is any. */
  | { readonly type: "hello"; readonly port: number }
  /** This connection takes the visitor. */
  | { readonly type: "accept"; readonly id: Uuid };

/** What a relay says. */
export type ServerMessage =
  | { readonly type: "challenge"; readonly id: Uuid }
  /** The port that the tunnel has. */
  | { readonly type: "hello"; readonly port: number }
  | { readonly type: "heartbeat" }
  /** A visitor waits. */
  | { readonly type: "connection"; readonly id: Uuid }
  | { readonly type: "error"; readonly text: string };

/** One frame as read: a message, or the `null` that counts as the end of the stream. */
export type Read<M> = M | { readonly type: "end" };

const SERVER_BEGINNINGS = [
  '"Heartbeat"',
  '{"Heartbeat":',
  '{"Hello":',
  '{"Connection":"',
  '{"Challenge":"',
  '{"Error":"',
];

/** The bytes of a message, its zero byte included. An error text that would not fit is cut. */
export function encode(message: ClientMessage | ServerMessage): Uint8Array {
  return new TextEncoder().encode(`${toJson(message)}\0`);
}

/** @throws HoldfastError `bad_message` for anything that a bore server would not understand. */
export function decodeClientMessage(frame: Uint8Array): Read<ClientMessage> {
  const [variant, value] = readVariant(frame);
  if (variant === null) return { type: "end" };
  if (variant === "Authenticate" && typeof value === "string") return { type: "authenticate", tag: value };
  if (variant === "Hello") return { type: "hello", port: readPort(value) };
  if (variant === "Accept") return { type: "accept", id: readUuid(value) };
  throw badMessage();
}

/** @throws HoldfastError `bad_message` for anything that a bore client would not understand. */
export function decodeServerMessage(frame: Uint8Array): Read<ServerMessage> {
  const [variant, value] = readVariant(frame);
  if (variant === null) return { type: "end" };
  if (variant === "Heartbeat" && value === null) return { type: "heartbeat" };
  if (variant === "Hello") return { type: "hello", port: readPort(value) };
  if (variant === "Connection") return { type: "connection", id: readUuid(value) };
  if (variant === "Challenge") return { type: "challenge", id: readUuid(value) };
  if (variant === "Error" && typeof value === "string") return { type: "error", text: value };
  throw badMessage();
}

/** Whether these bytes are how a message of a relay begins: a stream that ends there was cut, and is no garbage. */
export function beginsServerMessage(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes).trimStart();
  return SERVER_BEGINNINGS.some((beginning) => beginning.startsWith(text) || text.startsWith(beginning));
}

function toJson(message: ClientMessage | ServerMessage): string {
  switch (message.type) {
    case "authenticate":
      return JSON.stringify({ Authenticate: message.tag });
    case "hello":
      return JSON.stringify({ Hello: message.port });
    case "accept":
      return JSON.stringify({ Accept: message.id });
    case "challenge":
      return JSON.stringify({ Challenge: message.id });
    case "heartbeat":
      return '"Heartbeat"';
    case "connection":
      return JSON.stringify({ Connection: message.id });
    case "error":
      return errorJson(message.text);
  }
}

/** The real client dies of a frame above the limit, so a text is cut where it would not fit. */
function errorJson(text: string): string {
  const characters = Array.from(text).slice(0, MAX_FRAME_BYTES);
  for (;;) {
    const json = JSON.stringify({ Error: characters.join("") });
    const excess = new TextEncoder().encode(json).length - MAX_FRAME_BYTES;
    if (excess <= 0) return json;
    // One character is at most 12 bytes of JSON, so this never cuts more than needed by much.
    characters.length = Math.max(0, characters.length - Math.max(1, Math.floor(excess / 12)));
  }
}

/** An enum as serde writes it: an object with exactly one key, or the bare name of a variant without value. */
function readVariant(frame: Uint8Array): readonly [variant: string | null, value: unknown] {
  const json = readJson(frame);
  if (json === null) return [null, null];
  if (typeof json === "string") return [json, null];
  if (typeof json !== "object" || Array.isArray(json)) throw badMessage();
  const entries = Object.entries(json as Record<string, unknown>);
  const only = entries[0];
  if (only === undefined || entries.length !== 1) throw badMessage();
  return only;
}

function readJson(frame: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(frame));
  } catch (error) {
    throw badMessage(error);
  }
}

function readPort(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 65_535)
    throw badMessage();
  return value + 0;
}

function readUuid(value: unknown): Uuid {
  const uuid = typeof value === "string" ? parseUuid(value) : undefined;
  if (uuid === undefined) throw badMessage();
  return uuid;
}

function badMessage(cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: "bad_message",
    message: "the peer sent something that is not a message of the bore protocol",
    fault: "peer",
    cause,
  });
}
