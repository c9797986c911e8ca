// What the relay says when it opens a visitor's stream: for which bind the visitor came, and from where. Checked by
// hand, because it is read for each visitor; what is not known is passed over.
import { HoldfastError } from "@holdfast/core";

/** A visitor, as the relay describes it. The address is the relay's word, not a proof. */
export interface VisitorMetadata {
  readonly bind: number;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

const MOST_BIND = 4_294_967_295;
const MOST_ADDRESS_LENGTH = 255;
const MOST_PORT = 65_535;

export function encodeVisitor(visitor: VisitorMetadata): Uint8Array {
  return Buffer.from(JSON.stringify(visitor));
}

/** @throws HoldfastError `bad_message`. */
export function decodeVisitor(metadata: Uint8Array): VisitorMetadata {
  let visitor: unknown;
  try {
    visitor = JSON.parse(Buffer.from(metadata.buffer, metadata.byteOffset, metadata.length).toString("utf8"));
  } catch (cause) {
    throw notUnderstood(cause);
  }
  if (!isVisitor(visitor)) throw notUnderstood(undefined);
  return visitor;
}

function isVisitor(value: unknown): value is VisitorMetadata {
  if (typeof value !== "object" || value === null) return false;
  const { bind, address, port } = value as Readonly<Record<string, unknown>>;
  return (
    isWhole(bind, 1, MOST_BIND) &&
    (address === undefined || (typeof address === "string" && address.length <= MOST_ADDRESS_LENGTH)) &&
    (port === undefined || isWhole(port, 0, MOST_PORT))
  );
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function notUnderstood(cause: unknown): HoldfastError {
  const message = "the relay opened a stream without saying what for";
  return new HoldfastError({ code: "bad_message", message, fault: "peer", cause });
}
