// What the scripts of a server's handshake have at hand, and how they turn a client away.
import type { HoldfastError } from "../../failure.ts";
import type { Instant } from "../../ports.ts";
import { encodeRefuse, putRefuseMac, refuseMacInput } from "../wire/refuse.ts";
import type { Acceptor } from "./acceptor.ts";
import type { KeptSession } from "./kept-session.ts";
import { digest, type Part } from "./questions.ts";
import { refusalFailure } from "./refusals.ts";
import type { LinkTrust, Refusal, ServerSession } from "./surface.ts";

export interface ServerContext {
  readonly acceptor: Acceptor;
  readonly trust: LinkTrust;
  /** Of the call that the script runs in. */
  readonly now: Instant;
  send(frame: Uint8Array): void;
  /** This link has the session from now on. Its old link, if it had one, is to be hung up. */
  adopt(kept: KeptSession, claim: number): void;
  /** No other link has taken the session from this one. */
  holds(kept: KeptSession): boolean;
  /** The session has ended, and its link, if it had one, is to be hung up. */
  dismiss(kept: KeptSession): void;
}

/** How the answer to one frame came out. */
export type Answer =
  | { readonly type: "attached"; readonly session: ServerSession; readonly fresh: boolean }
  /** `again`: REFUSE was sent, and one HELLO more is heard. */
  | { readonly type: "refused"; readonly failure: HoldfastError; readonly again: boolean };

export function refuse(at: ServerContext, refusal: Refusal): Answer {
  at.send(encodeRefuse({ ...refusal, alternative: refusal.alternative }));
  return {
    type: "refused",
    failure: refusalFailure(refusal.code, "transient", refusal.retryAfterMs),
    again: true,
  };
}

/** A refusal that its client can know to be ours: only after the MAC of its RESUME was good. */
export function* refuseAuthentically(
  at: ServerContext,
  code: number,
  serverKey: Uint8Array,
  resumeMac: Uint8Array,
): Part<Answer> {
  const frame = encodeRefuse({ code, retryAfterMs: 0, alternative: undefined });
  putRefuseMac(frame, yield* digest(serverKey, refuseMacInput(frame), resumeMac));
  at.send(frame);
  return { type: "refused", failure: refusalFailure(code, "transient"), again: true };
}
