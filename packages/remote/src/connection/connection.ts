// What an application holds of a machine: a connection, which keeps one destination reachable over link after link.
//
// States, as of every line (DESIGN section 2): `connecting`, `connected`, `reconnecting`, `auth_required`,
// `disconnected`. What leads where:
//
//   a dial fails             waits and dials again, for ever by default. Fatal: disconnected (refused). A person is
//                            needed, or a login was refused: auth_required, and no dial until `answer` or `reconnect`.
//   a link is lost           reconnecting. With `reconnect: false`: disconnected (no_reconnect), at once. If the plugin
//                            declares no preset: disconnected (unsupported).
//   nobody answers pings     after `failures` pings in a row that failed or took longer than their deadline, or after
//                            `livenessTimeoutMs` without any byte, the link is hung up: as if it were lost.
//   a question               an attended dial asks: auth_required with the question while the person thinks (no dial
//                            timeout runs, only `questionMs`); the answer goes on with the same dial.
//   reconnect()              waiting, disconnected, auth_required: dials now. Dialing: joins. Connected: a new link is
//                            made first; then it takes the place of the old one under the same id: the epoch rises and
//                            the state stays. What runs over the old link goes on there for `drainMs` at most. If the
//                            new link cannot be made, the call rejects and the old link stays. If the old one is lost
//                            meanwhile, the dial under way becomes the line's next one: never two at a time.
//   close()                  from every state, at once: disconnected (asked), forwards ended, the plugin's dispose().
import type { EndReason, HoldfastError, Liveness, Status } from "@holdfast/core";
import type { Link } from "@holdfast/net";
import type { Interaction } from "../plugin/interaction.ts";
import type { Machine } from "../plugin/machine.ts";
import type { Ability } from "../plugin/plugin.ts";

/** Why a connection is disconnected. */
export interface ConnectionEnd {
  readonly code:
    /** `close()`. */
    | "asked"
    /** The policy's tries or time ran out, or the first dial failed and is not retried. */
    | "gave_up"
    /** Trying again cannot help. */
    | "refused"
    /** The plugin does not make links again. */
    | "unsupported"
    /** It was told not to reconnect. */
    | "no_reconnect";
  /** The real last error. */
  readonly error: HoldfastError | undefined;
  readonly failures: EndReason["failures"];
}

type Live = Exclude<Status, { readonly state: "disconnected" }>;
type Ended = Omit<Extract<Status, { readonly state: "disconnected" }>, "reason">;

/** Where a connection stands: complete and never stale. Times are wall-clock milliseconds since 1970. */
export type ConnectionStatus = Live | (Ended & { readonly reason: ConnectionEnd });

/** A machine by the present link; who ends the link is the connection alone. */
export type ConnectedMachine = Omit<Machine, Exclude<keyof Link, "ping">>;

export interface MachineWait {
  readonly signal?: AbortSignal;
  /** How long to wait for a link, in milliseconds. Default: the connection's `waitMs`. */
  readonly waitMs?: number;
  /** Not this one, which is known to be gone: the next. */
  readonly after?: ConnectedMachine | undefined;
}

export interface Connection {
  readonly id: string;
  /** As it was given. */
  readonly destination: string;
  /** The plugin's name. */
  readonly plugin: string;
  readonly abilities: Readonly<Record<Ability, true | string>>;
  readonly status: ConnectionStatus;
  readonly liveness: Liveness;
  /** Streams that are open and go on after an outage; `undefined` where links have none that do. */
  readonly openStreams: number | undefined;
  /**
   * The present status first. A slow reader misses flips but never the last one, and sees by the `epoch` that there
   * were any. Ends only with `close()`: a disconnected connection can be reconnected by hand.
   */
  changes(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<ConnectionStatus>;
  /**
   * The machine, by the present link or the next one.
   * @throws HoldfastError `not_connected` if there is none in time or the connection is disconnected, `too_many` if
   * too many wait already, `closed`; the signal's reason.
   */
  machine(wait?: MachineWait): Promise<ConnectedMachine>;
  /**
   * Dial now; if there is a link, make the new one before the old one is left. Settles when that dial has ended, and
   * rejects with its failure (which nobody needs to handle). Calls meanwhile, or within a second of a swap, join.
   * `interaction` asks the person who wants it; a dial that already runs keeps its own.
   */
  reconnect(interaction?: Interaction): Promise<void>;
  /**
   * A person is there for what `auth_required` asks: dial, attended.
   * @throws HoldfastError `nothing_asked` in any other state.
   */
  answer(interaction: Interaction): void;
  /** Something outside changed: dial soon, or make sure that the link is alive. */
  wake(): void;
  /**
   * Call back when the connection is closed; returns a function that takes it back.
   * @throws HoldfastError `closed`, `too_many` (fatal).
   */
  onClose(close: () => Promise<void>): () => void;
  /**
   * Stop at once, in any state, for good. With `keep`, a later process opens it again: what the plugin made on the far
   * side for this connection alone stays there. Safe to call again.
   */
  close(how?: { readonly keep: boolean }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
