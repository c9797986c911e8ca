// What the accepting side keeps of a session besides what it shows of it.
import type { Session } from "../session.ts";
import type { Instant } from "../../ports.ts";
import type { ResumeKeys } from "./keys.ts";
import type { HelloRequest, ServerSession } from "./surface.ts";

/** What is decided when a session begins. */
export interface KeptSessionDetails {
  readonly id: string;
  readonly sessionId: Uint8Array;
  readonly secret: Uint8Array;
  readonly keys: ResumeKeys;
  readonly session: Session;
  readonly hello: HelloRequest;
  /** Of the HELLO that it began with: a repeat of it begins nothing new. */
  readonly nonce: Uint8Array;
  readonly features: number;
  readonly heartbeatMs: number;
  readonly resumeTtlMs: number;
  readonly reconnectWindowMs: number;
  readonly claim: number;
}

export class KeptSession implements ServerSession {
  readonly details: KeptSessionDetails;
  readonly id: string;
  readonly session: Session;
  readonly hello: HelloRequest;
  readonly features: number;
  readonly resumeTtlMs: number;
  readonly reconnectWindowMs: number;
  claim: number;
  /** The handshake whose link has it; absent while it is away. */
  holder: object | undefined = undefined;
  /** When it is given up, while it is away. */
  expiresAt: Instant = Infinity;
  context: unknown = undefined;

  constructor(details: KeptSessionDetails) {
    this.details = details;
    this.id = details.id;
    this.session = details.session;
    this.hello = details.hello;
    this.features = details.features;
    this.resumeTtlMs = details.resumeTtlMs;
    this.reconnectWindowMs = details.reconnectWindowMs;
    this.claim = details.claim;
  }

  get away(): boolean {
    return this.holder === undefined;
  }

  /** Its client can have seen nothing of it yet: not even that it began. */
  get untouched(): boolean {
    const { rx, txLow } = this.session.position;
    return rx === 0 && txLow === 0;
  }
}
