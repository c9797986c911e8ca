// Two handshakes on one link, with every step in the hands of the test: bytes on their way, HMACs that are being
// computed and verdicts that are awaited stand in queues until they are let go.
import { createHash, createHmac } from "node:crypto";
import {
  Acceptor,
  type AcceptorOptions,
  ClientHandshake,
  type ClientIdentity,
  type ClientOutcome,
  FEATURE,
  type HandshakeStep,
  type HelloRequest,
  type HelloVerdict,
  type HmacRequest,
  type Instance,
  type LinkTrust,
  newInstance,
  type Resumption,
  ServerHandshake,
  type ServerOutcome,
  type ServerSession,
  type ServerStep,
} from "@holdfast/core/session";
import { FakeSession } from "./fake-session.ts";

export const ALL = FEATURE.datagrams | FEATURE.resume | FEATURE.tlsBinding;

/** Different each time, and the same in each run. */
function countingEntropy(start = 1): (bytes: number) => Uint8Array {
  let count = start;
  return (bytes) => createHash("sha512").update(String(count++)).digest().subarray(0, bytes);
}

export function hmacOf({ key, parts }: HmacRequest): Uint8Array {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

export function secretHash(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

export const TLS: LinkTrust = {
  confidential: true,
  exporter: new Uint8Array(32).fill(0xee),
  relayIdentity: "name:relay.example",
};

export const ACCEPT: HelloVerdict = {
  type: "accept",
  heartbeatMs: 10_000,
  resumeTtlMs: 900_000,
  reconnectWindowMs: 5_000,
};

const IDENTITY: ClientIdentity = {
  owner: undefined,
  secretHash: undefined,
  credentials: undefined,
  heartbeatMs: 10_000,
  features: ALL,
};

export function makeAcceptor(options: Partial<AcceptorOptions> = {}): Acceptor {
  return new Acceptor({
    entropy: countingEntropy(1_000_000),
    newSession: () => new FakeSession("server").asSession,
    features: ALL,
    ...options,
  });
}

/** What one client keeps between its links. */
export class Client {
  readonly entropy: (bytes: number) => Uint8Array;
  identity: ClientIdentity;
  instance: Instance;
  session = new FakeSession("client");
  resumption: Resumption | undefined;

  constructor(identity: Partial<ClientIdentity> = {}, seed = 1) {
    this.entropy = countingEntropy(seed);
    this.identity = { ...IDENTITY, ...identity };
    this.instance = newInstance(this.entropy);
  }
}

export interface MeetingOptions {
  readonly acceptor: Acceptor;
  readonly client: Client;
  readonly trust?: LinkTrust;
  readonly serverTrust?: LinkTrust;
  readonly verdict?: (hello: HelloRequest) => HelloVerdict;
  /** What becomes of frames on their way; default: they arrive as they are. */
  readonly toServer?: (frame: Uint8Array) => Uint8Array;
  readonly toClient?: (frame: Uint8Array) => Uint8Array;
}

export type Move = "clientProof" | "toServer" | "serverProof" | "verdict" | "toClient";

const MOVES: readonly Move[] = ["clientProof", "toServer", "serverProof", "verdict", "toClient"];

export class Meeting {
  readonly options: MeetingOptions;
  client: ClientHandshake;
  readonly server: ServerHandshake;
  now = 1_000;
  readonly toServer: Uint8Array[] = [];
  readonly toClient: Uint8Array[] = [];
  /** Everything that was sent, in either direction. */
  readonly fromClient: Uint8Array[] = [];
  readonly fromServer: Uint8Array[] = [];
  clientHmac: HmacRequest | undefined;
  serverHmac: HmacRequest | undefined;
  ask: HelloRequest | undefined;
  asked: HelloRequest | undefined;
  clientOutcome: ClientOutcome | undefined;
  serverOutcome: ServerOutcome | undefined;
  readonly refusals: string[] = [];
  readonly detached: ServerSession[] = [];

  constructor(options: MeetingOptions) {
    this.options = options;
    this.client = this.#newClient();
    const trust = options.serverTrust ?? options.trust ?? TLS;
    this.server = new ServerHandshake({ acceptor: options.acceptor, trust });
  }

  #newClient(): ClientHandshake {
    const { client, trust = TLS } = this.options;
    const { identity, instance, entropy, resumption } = client;
    const continues = resumption === undefined ? { fresh: client.session.asSession } : { resumption };
    return new ClientHandshake({ identity, instance, trust, entropy, continues });
  }

  start(): this {
    this.onClient(this.client.start(this.now));
    return this;
  }

  /** A second client handshake on the same link, as after a lost session. */
  again(session: FakeSession): this {
    const { client } = this.options;
    client.session = session;
    client.resumption = undefined;
    this.clientOutcome = undefined;
    this.client = this.#newClient();
    return this.start();
  }

  onClient(step: HandshakeStep<ClientOutcome>): void {
    for (const frame of step.send ?? []) {
      this.fromClient.push(frame);
      this.toServer.push(this.options.toServer?.(frame) ?? frame);
    }
    if (step.hmac !== undefined) this.clientHmac = step.hmac;
    if (step.outcome === undefined) return;
    this.clientOutcome = step.outcome;
    const { client } = this.options;
    if (step.outcome.type === "greeted") client.resumption = step.outcome.resumption;
    if (step.outcome.type === "session_lost") client.resumption = undefined;
  }

  onServer(step: ServerStep): void {
    if (step.detached !== undefined) this.detached.push(step.detached);
    for (const frame of step.send ?? []) {
      this.fromServer.push(frame);
      this.toClient.push(this.options.toClient?.(frame) ?? frame);
    }
    if (step.refused !== undefined) this.refusals.push(step.refused.code);
    if (step.hmac !== undefined) this.serverHmac = step.hmac;
    if (step.ask !== undefined) {
      this.ask = step.ask;
      this.asked = step.ask;
    }
    if (step.outcome !== undefined) this.serverOutcome = step.outcome;
  }

  /** Do one thing that is waiting to be done. @returns whether there was any. */
  move(move: Move): boolean {
    switch (move) {
      case "clientProof": {
        const hmac = this.clientHmac;
        if (hmac === undefined) return false;
        this.clientHmac = undefined;
        this.onClient(this.client.proved(hmacOf(hmac), this.now));
        return true;
      }
      case "serverProof": {
        const hmac = this.serverHmac;
        if (hmac === undefined) return false;
        this.serverHmac = undefined;
        this.onServer(this.server.proved(hmacOf(hmac), this.now));
        return true;
      }
      case "verdict": {
        const ask = this.ask;
        if (ask === undefined) return false;
        this.ask = undefined;
        const verdict = this.options.verdict?.(ask) ?? ACCEPT;
        this.onServer(this.server.decided(verdict, this.now));
        return true;
      }
      case "toServer": {
        const frame = this.toServer.shift();
        if (frame !== undefined && this.serverOutcome === undefined) {
          this.onServer(this.server.receive(frame, this.now));
        }
        return frame !== undefined;
      }
      case "toClient": {
        const frame = this.toClient.shift();
        if (frame !== undefined && this.clientOutcome === undefined) {
          this.onClient(this.client.receive(frame, this.now));
        }
        return frame !== undefined;
      }
    }
  }

  get possible(): readonly Move[] {
    const waiting: Record<Move, unknown> = {
      clientProof: this.clientHmac,
      toServer: this.toServer[0],
      serverProof: this.serverHmac,
      verdict: this.ask,
      toClient: this.toClient[0],
    };
    return MOVES.filter((move) => waiting[move] !== undefined);
  }

  /** Until nothing waits any more, or `until` is true. */
  run(until: () => boolean = () => false): this {
    while (!until() && MOVES.some((move) => this.move(move)));
    return this;
  }
}

/** A client and a server whose session has begun. */
export function greeted(options: MeetingOptions): {
  readonly server: ServerSession;
  readonly meeting: Meeting;
} {
  const meeting = new Meeting(options).start().run();
  if (meeting.serverOutcome?.type !== "attached") {
    throw new Error(`the first handshake came to ${JSON.stringify(meeting.serverOutcome)}`);
  }
  return { server: meeting.serverOutcome.session, meeting };
}
