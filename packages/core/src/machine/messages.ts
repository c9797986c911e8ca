// What goes into the reconnect machine, and what it wants done. Both are values.
import type { HoldfastError } from "../failure.ts";
import type { Instant } from "../ports.ts";
import type { WakeReason } from "../status.ts";
import type { LinkTraits } from "./state.ts";

/**
 * Something that happened. Inputs that name a dial other than the present one are late, and ignored. Any input may
 * carry when the last byte came, however many came since the last step.
 */
export type Input = Happening & { readonly heardAt?: Instant | undefined };

type Happening =
  | { readonly type: "start" }
  | { readonly type: "opened"; readonly dial: number; readonly link: LinkTraits }
  | { readonly type: "dial_failed"; readonly dial: number; readonly failure: HoldfastError }
  | { readonly type: "lost"; readonly dial: number; readonly failure: HoldfastError }
  | { readonly type: "drain_announced"; readonly dial: number; readonly windowMs: number | undefined }
  | { readonly type: "ping_failed"; readonly dial: number; readonly failure: HoldfastError }
  | { readonly type: "ping_sent"; readonly dial: number }
  | {
      readonly type: "progress";
      readonly dial: number;
      readonly unackedBytes: number;
      readonly movedBytes: number;
    }
  | {
      readonly type: "wake";
      readonly reason: WakeReason;
      /** The link's own address left the machine. */ readonly addressGone?: boolean;
    }
  | { readonly type: "answered" }
  /** The `retrying` hook asks for another delay before the dial after `dial`, or for none ever. */
  | { readonly type: "adjusted"; readonly dial: number; readonly delayMs: number }
  | { readonly type: "vetoed"; readonly dial: number }
  /** The deadline has come. */
  | { readonly type: "tick" }
  | { readonly type: "close" };

/** Something to do, in order. */
export type Action =
  | {
      readonly type: "dial";
      readonly dial: number;
      readonly attempt: number;
      readonly refused: HoldfastError | undefined;
      readonly suspect: boolean;
    }
  | { readonly type: "cancel_dial"; readonly dial: number; readonly failure: HoldfastError }
  | { readonly type: "hang_up"; readonly dial: number; readonly failure: HoldfastError }
  | { readonly type: "ping"; readonly dial: number }
  /** A wait begins: the hook may object. */
  | {
      readonly type: "consult";
      readonly dial: number;
      readonly attempt: number;
      readonly failures: number;
      readonly delayMs: number;
      readonly failure: HoldfastError;
    };
