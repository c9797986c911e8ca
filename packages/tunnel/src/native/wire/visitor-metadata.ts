// What the relay says when it opens a visitor's stream: for which bind the visitor came, and from where.
import { HoldfastError } from "@holdfast/core";
import { z } from "zod";

/** A visitor, as the relay describes it. The address is the relay's word, not a proof. */
export interface VisitorMetadata {
  readonly bind: number;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

const schema: z.ZodType<VisitorMetadata> = z.object({
  bind: z.int().min(1).max(4_294_967_295),
  address: z.string().max(255).optional(),
  port: z.int().min(0).max(65_535).optional(),
});

export function encodeVisitor(visitor: VisitorMetadata): Uint8Array {
  return Buffer.from(JSON.stringify(visitor));
}

/** @throws HoldfastError `bad_message`. */
export function decodeVisitor(metadata: Uint8Array): VisitorMetadata {
  try {
    return schema.parse(JSON.parse(Buffer.from(metadata).toString("utf8")));
  } catch (cause) {
    const message = "the relay opened a stream without saying what for";
    throw new HoldfastError({ code: "bad_message", message, fault: "peer", cause });
  }
}
