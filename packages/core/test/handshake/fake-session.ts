// A session that has positions and nothing else, for tests of the handshakes: what they call is recorded.
import {
  DEFAULT_SESSION_LIMITS,
  type PeerLimits,
  type Session,
  type SessionEnd,
  type SessionLimits,
  type SessionPosition,
} from "@holdfast/core/session";

export class FakeSession {
  readonly role: "client" | "server";
  readonly limits: SessionLimits;
  peer: PeerLimits | undefined;
  features = 0;
  attached = false;
  end: SessionEnd | undefined;
  /** What came, what the other end has acknowledged, and what was sent. */
  rx = 0;
  acked = 0;
  sent = 0;
  readonly calls: string[] = [];
  resumedAt: SessionPosition | undefined;

  constructor(role: "client" | "server", limits: Partial<SessionLimits> = {}) {
    this.role = role;
    this.limits = { ...DEFAULT_SESSION_LIMITS, ...limits };
  }

  /** As the contract has it. What is missing here is never called by a handshake. */
  get asSession(): Session {
    return this as unknown as Session;
  }

  static of(session: Session): FakeSession {
    return session as unknown as FakeSession;
  }

  get position(): SessionPosition {
    return { rx: this.rx, txLow: this.acked };
  }

  begin(peer: PeerLimits, features: number): void {
    this.calls.push("begin");
    this.peer = peer;
    this.features = features;
    this.attached = true;
  }

  detach(): void {
    this.calls.push("detach");
    this.attached = false;
  }

  resume(peer: SessionPosition): boolean {
    this.calls.push("resume");
    if (peer.rx < this.acked || peer.rx > this.sent || peer.txLow > this.rx) {
      this.end = { reason: "session_lost", code: 3, clean: false, error: undefined };
      return false;
    }
    this.resumedAt = peer;
    this.acked = peer.rx;
    this.attached = true;
    return true;
  }

  lose(end: SessionEnd): void {
    this.calls.push(`lose ${end.reason}`);
    this.attached = false;
    this.end ??= end;
  }
}
