// What client and relay say on the control stream of a native tunnel: one JSON object a line. docs/PROTOCOL.md,
// "Native tunnels", is the reference. Fields that nobody knows are ignored, and so are messages.
import { HoldfastError } from "@holdfast/core";
import { z } from "zod";

/** The first port of relays for this dialect. */
export const HOLDFAST_PORT = 7836;
/** What the client says when it opens the control stream: whose control stream it is. */
export const CONTROL_METADATA = "tunnel/1";
/** A line, its end not counted, in bytes. */
export const MAX_LINE_BYTES = 4_096;
/** A text within a line, in UTF-16 code units. Longer ones are cut. */
const MAX_TEXT = 512;

/** Why a bind ends. Others may come: they count as `closed`. */
export const UNBIND = {
  /** Given back, or taken back. */
  closed: "closed",
  /** Another program of the same owner has it: never ask for it again by yourself. */
  replaced: "replaced",
} as const;

/** The client wants visitors. */
export interface Bind {
  readonly type: "bind";
  /** The client's name for it within this session, from 1. */
  readonly id: number;
  /** 0: the one that this target had, or any. */
  readonly port: number;
  /** What is exposed, in the client's words: it finds the lease again for a client that does not know the port. */
  readonly target: string;
  /** Take it from a living program of the same owner. Default `false`. */
  readonly force: boolean;
}

/** The client gives a port back, or the relay takes it. */
interface Unbind {
  readonly type: "unbind";
  readonly id: number;
  readonly reason: string;
}

/** The client has the port. */
interface Bound {
  readonly type: "bound";
  readonly id: number;
  readonly port: number;
  /** Where visitors reach it, if that is not the relay's own address. */
  readonly host?: string | undefined;
  readonly generation: number;
  /** How long the relay keeps it for an owner that is away. */
  readonly lease_ms: number;
}

/** The client does not get the port. */
export interface Refused {
  readonly type: "refused";
  readonly id: number;
  readonly code: string;
  readonly message: string;
  /** Whether the same bind may be granted later. */
  readonly retryable: boolean;
  readonly retry_after_ms?: number | undefined;
}

/** What a client says. */
export type ClientMessage = Bind | Unbind;
/** What a relay says. */
export type RelayMessage = Bound | Refused | Unbind;

const id = z.int().min(1).max(4_294_967_295);
const milliseconds = z.number().min(0).max(86_400_000);

const bind: z.ZodType<Bind> = z.object({
  type: z.literal("bind"),
  id,
  port: z.int().min(0).max(65_535),
  target: z.string().max(255),
  force: z.boolean().default(false),
});

const unbind: z.ZodType<Unbind> = z.object({ type: z.literal("unbind"), id, reason: z.string().max(64) });

const bound: z.ZodType<Bound> = z.object({
  type: z.literal("bound"),
  id,
  port: z.int().min(1).max(65_535),
  host: z.string().min(1).max(255).optional(),
  generation: z.int().min(0),
  lease_ms: milliseconds,
});

const refused: z.ZodType<Refused> = z.object({
  type: z.literal("refused"),
  id,
  code: z.string().min(1).max(64),
  message: z.string().max(MAX_TEXT),
  retryable: z.boolean(),
  retry_after_ms: milliseconds.optional(),
});

const anything = z.object({ type: z.string() });

/** @returns nothing for a message of a type that is not known. @throws HoldfastError `bad_message`. */
export function decodeClientMessage(line: string): ClientMessage | undefined {
  return decode<ClientMessage>({ bind, unbind }, line);
}

/** @returns nothing for a message of a type that is not known. @throws HoldfastError `bad_message`. */
export function decodeRelayMessage(line: string): RelayMessage | undefined {
  return decode<RelayMessage>({ bound, refused, unbind }, line);
}

/** The line for a message, with its end. */
export function encodeMessage(message: ClientMessage | RelayMessage): Uint8Array {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

function decode<M>(schemas: Readonly<Record<string, z.ZodType<M>>>, line: string): M | undefined {
  const value = parse(line);
  const { data } = anything.safeParse(value);
  if (data === undefined) throw badMessage("a message without a type");
  if (!Object.hasOwn(schemas, data.type)) return undefined;
  const result = schemas[data.type]?.safeParse(value);
  if (result?.success === true) return result.data;
  const [issue] = result?.error.issues ?? [];
  throw badMessage(`${data.type}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "is not right"}`);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw badMessage("a line that is not JSON");
  }
}

function badMessage(message: string): HoldfastError {
  return new HoldfastError({ code: "bad_message", message, fault: "peer" });
}
