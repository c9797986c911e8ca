// Who may come in: links are counted by address from the moment that they are accepted, those whose handshake is not
// done by themselves, and sessions. Whoever comes too often is hung up on, unheard.
import type { Clock, HoldfastError } from "@holdfast/core";
import type { AcceptedByteLink } from "../../byte-link.ts";
import type { AcceptedSession } from "../../session/index.ts";
import { Admission, limitKey, type AddressLimits } from "./admission.ts";
import { CountedLink } from "./counted-link.ts";

/** What one address may have, and all of them together. */
export interface GateLimits extends Omit<AddressLimits, "clientsPerAddress"> {
  /** Sessions from one address, those without a link included. */
  readonly sessionsPerAddress: number;
}

/** Who may come in to a server of sessions. */
export class Gate {
  readonly #admission: Admission;
  /** Links whose handshake is not done: at most `limits.handshakes`. */
  readonly #greeting = new Set<AcceptedByteLink>();

  constructor(limits: GateLimits, clock: Clock) {
    this.#admission = new Admission({ ...limits, clientsPerAddress: limits.sessionsPerAddress }, clock);
  }

  /** A connection came. @returns what to call when it has said what it is; nothing if it may not come in. */
  knock(remoteAddress: string): (() => void) | undefined {
    const address = limitKey(remoteAddress);
    if (!this.#admission.handshakeBegins(address)) return undefined;
    return () => this.#admission.handshakeDone(address);
  }

  /** Whether one session more of this address may begin. */
  hasRoom(remoteAddress: string): boolean {
    return this.#admission.hasRoom(limitKey(remoteAddress));
  }

  /** A link came. @returns the link to go on with, or nothing if it was hung up. */
  admit(link: AcceptedByteLink): AcceptedByteLink | undefined {
    if (!this.#admission.handshakeBegins(limitKey(link.remoteAddress))) {
      link.close();
      return undefined;
    }
    const counted = new CountedLink(link, () => this.#settle(counted));
    this.#greeting.add(counted);
    return counted;
  }

  /** A session is on a link now: its handshake is done. */
  attached({ link }: AcceptedSession): void {
    if (link !== undefined) this.#settle(link);
  }

  /** A session begins. Its address had room when it was let in; several that came at once may be a few too many. */
  begins(session: AcceptedSession): void {
    this.attached(session);
    const address = limitKey(session.remoteAddress);
    this.#admission.clientCame(address);
    void session.ended.then(() => this.#admission.clientLeaves(address));
  }

  /** A link did not become part of a session. */
  refused(failure: HoldfastError, remoteAddress: string): void {
    if (failure.code === "unauthorized") this.#admission.authenticationFailed(limitKey(remoteAddress));
  }

  #settle(link: AcceptedByteLink): void {
    if (this.#greeting.delete(link)) this.#admission.handshakeDone(limitKey(link.remoteAddress));
  }
}
