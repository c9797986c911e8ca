// Who comes to a port of this machine, and where it wants to go.
import type { HoldfastError } from "@holdfast/core";

export interface Visit {
  readonly host: string;
  readonly port: number;
  /** The far side has connected: what follows is its. */
  readonly opened?: () => void;
  /** It could not, and this is how the visitor is told. Default: a reset. */
  readonly refused?: (failure: HoldfastError) => void;
}
