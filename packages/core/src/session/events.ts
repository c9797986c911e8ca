// What a session has to tell whoever runs it. Events wait until they are polled, at most one of each kind for a
// stream, so they cannot pile up.
import type { HoldfastError } from "../failure.ts";
import type { SessionStream } from "./stream.ts";

export type SessionEvent =
  /** The other end opened a stream. */
  | { readonly type: "opened"; readonly stream: SessionStream }
  /** There is something to read, or `received` is set now. */
  | { readonly type: "readable"; readonly stream: SessionStream }
  /** The queue fell below half of its limit, or `sent` is set now. */
  | { readonly type: "writable"; readonly stream: SessionStream }
  /** Both directions have ended, what came was read, and the session has forgotten the stream. Its last event. */
  | { readonly type: "forgotten"; readonly stream: SessionStream }
  | { readonly type: "datagram"; readonly flow: number; readonly bytes: Uint8Array }
  /** The other end takes no new streams; those of ours that it will never look at were reset (not processed). */
  | { readonly type: "going_away"; readonly code: number; readonly drainMs: number }
  /** The other end lets this link go and keeps the session: come back within the window. */
  | { readonly type: "detached"; readonly code: number; readonly reconnectWindowMs: number }
  /** AUTH came: check it, then answer with `authState`. */
  | { readonly type: "auth"; readonly serial: number; readonly credentials: Uint8Array }
  | {
      readonly type: "auth_state";
      readonly serial: number;
      readonly expiresMs: number;
      /** 0 good, 1 refresh soon, 2 refused. */
      readonly code: number;
    }
  /** PONG came. `rttMs`: since its PING. */
  | { readonly type: "pong"; readonly rttMs: number }
  /** Hang this link up: it is broken, the session is not. `not_our_peer`, `no_progress`. */
  | { readonly type: "link_failed"; readonly failure: HoldfastError }
  /** The session is over. Hang up once `pollTransmit` has nothing more. */
  | { readonly type: "ended"; readonly end: SessionEnd };

export interface SessionEnd {
  readonly reason: /** As asked, here or there. */
    | "closed"
    /** It cannot be resumed: unknown, out of step, or broken by the peer. */
    | "session_lost"
    /** Another instance has taken its place. */
    | "replaced"
    /** Its time to be resumed ran out. */
    | "expired";
  /** A code of `CLOSE`. */
  readonly code: number;
  /** Everything that both ends said is known to have arrived. */
  readonly clean: boolean;
  /** What went wrong; absent after a clean end. */
  readonly error: HoldfastError | undefined;
}
