// A session on the accepting side: what `DrivenSession` does, with links that come instead of being made, and a
// judgement on whether they live.
import type { HoldfastError, Instant, Patience } from "@holdfast/core";
import type { HelloRequest, ServerSession } from "@holdfast/core/session";
import type { AcceptedByteLink } from "../byte-link.ts";
import { DrivenSession, type DrivenSessionOptions, type SessionOwner } from "./driven-session.ts";
import { later } from "./later.ts";
import { LinkLife } from "./link-life.ts";
import { Probes } from "./probes.ts";
import type { AcceptedSession } from "./surface.ts";
import type { TakenLink } from "./taken-link.ts";

/** Whoever has the sessions. */
export interface HostedOwner {
  ended(hosted: HostedSession): void;
  away(hosted: HostedSession): void;
  warn(warning: HoldfastError): void;
}

export type HostedSessionOptions = DrivenSessionOptions & { readonly patience: Patience };

export class HostedSession extends DrivenSession implements AcceptedSession {
  /** Its application has been told of it. */
  began = false;
  /** Somebody waits for what a turn may bring. */
  onTurned: () => void = () => undefined;
  remoteAddress = "";
  readonly #owner: HostedOwner;
  readonly #patience: Patience;
  readonly #probes: Probes;
  #server: ServerSession | undefined = undefined;
  #link: TakenLink | undefined = undefined;
  #life: LinkLife;

  constructor({ patience, ...options }: HostedSessionOptions, owner: HostedOwner) {
    const reports: SessionOwner = {
      linkFailed: () => this.hangUp(),
      linkReleased: () => this.hangUp(),
      turned: (now) => {
        this.#life.busy(this.unackedBytes, now);
        this.onTurned();
      },
      ended: () => {
        this.#letGo((link) => link.part());
        owner.ended(this);
      },
      warn: (warning) => owner.warn(warning),
    };
    super(options, reports);
    this.#owner = owner;
    this.#patience = patience;
    this.#life = new LinkLife(patience, this.clock.mono());
    this.#probes = new Probes(this.clock);
  }

  get hello(): HelloRequest {
    return this.server.hello;
  }

  /** Present from the first link on, and nobody hears of the session before that. */
  get server(): ServerSession {
    if (this.#server === undefined) throw new Error("a session without a handshake");
    return this.#server;
  }

  get link(): AcceptedByteLink | undefined {
    return this.#link?.carrier;
  }

  get heardAt(): Instant {
    return this.#life.heardAt;
  }

  probe(timeoutMs: number): Promise<boolean> {
    if (this.#link === undefined) return Promise.resolve(false);
    this.ping();
    return this.#probes.wait(timeoutMs);
  }

  detach(code: number, reconnectWindowMs: number): void {
    if (this.#link === undefined) return;
    this.session.sendDetach(code, reconnectWindowMs);
    // It is written when the present turn is over, or in one of its own.
    later(() => {
      this.turn();
      this.#letGo((link) => link.part());
    });
  }

  // What follows is the host's.

  /** The handshake of this link is done. */
  adopt(link: TakenLink, server: ServerSession): void {
    this.#server = server;
    this.#link = link;
    this.#life = new LinkLife(this.#patience, this.clock.mono());
    this.id = server.id;
    this.remoteAddress = link.carrier.remoteAddress;
  }

  /** Its application knows of the link: let it carry. */
  carry(link: TakenLink): void {
    if (this.#link !== link) return;
    link.to((bytes) => this.receive(bytes));
    this.#probes.answer();
    this.attach(link.carrier, new Uint8Array());
  }

  override receive(bytes: Uint8Array): boolean {
    this.#life.heard(this.clock.mono());
    this.#probes.answer();
    return super.receive(bytes);
  }

  /** Break the present link, if there is one; the session is away from now on. */
  hangUp(): void {
    this.#letGo((link) => link.close());
  }

  /** Another link has the session: break the one before. */
  displaced(): void {
    const link = this.#link;
    this.#link = undefined;
    this.unlink();
    link?.close();
    if (link !== undefined && this.end === undefined) this.#owner.away(this);
  }

  /** A link has ended by itself. */
  linkEnded(link: TakenLink): void {
    if (this.#link === link) this.hangUp();
  }

  protected override nextTimeout(): Instant {
    const next = super.nextTimeout();
    return this.#link === undefined ? next : Math.min(next, this.#life.nextTimeout());
  }

  protected override timeout(now: Instant): void {
    super.timeout(now);
    if (this.#link === undefined) return;
    const judged = this.#life.judge(now);
    if (judged === "dead") this.hangUp();
    else if (judged === "ask") this.session.ping(now);
  }

  #letGo(how: (link: TakenLink) => void): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    this.leaveLink();
    how(link);
    if (this.end === undefined) this.#owner.away(this);
  }
}
