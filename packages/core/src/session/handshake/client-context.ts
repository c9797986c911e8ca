// What the scripts of a client's handshake have at hand.
import type { Instant } from "../../ports.ts";
import type { Entropy } from "./proof.ts";
import type { ClientIdentity, Instance, LinkTrust } from "./surface.ts";

export interface ClientContext {
  readonly identity: ClientIdentity;
  readonly instance: Instance;
  readonly trust: LinkTrust;
  readonly entropy: Entropy;
  /** Of the call that the script runs in. */
  readonly now: Instant;
  send(frame: Uint8Array): void;
}
