// What a case is: a name, what it needs, and what it does.
import type { Ability } from "../plugin/plugin.ts";
import type { PluginArena, Stage } from "./plugin-arena.ts";

/** What a plugin cannot have, each with the reason, which is printed. */
export interface PluginExceptions {
  /** Its links have no transport that could break. */
  readonly cut?: string;
  /** An end by a signal looks like an exit with 128 + its number. */
  readonly signalEnds?: string;
  /** A half-closed connection is not told from a closed one. */
  readonly halfClose?: string;
  /** The address from which a connection to a far port comes is not known. */
  readonly origin?: string;
}

export interface PluginCase {
  readonly name: string;
  /** Run only where the plugin declares all of them. */
  readonly abilities: readonly Ability[];
  readonly needs?: keyof PluginExceptions;
  readonly run: (stage: Stage) => Promise<void>;
}

/** A case about dialling itself, which gets no link. */
export interface DialCase {
  readonly name: string;
  readonly run: (arena: PluginArena) => Promise<void>;
}
