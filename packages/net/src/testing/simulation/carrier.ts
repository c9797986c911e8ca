// The transport of the simulation: makes links over the world's pipes, through a network that may refuse, swallow
// or break them. Every event reaches the engine as it would from a socket: one at a time, and only while the
// process runs.
import { HoldfastError } from "@holdfast/core";
import {
  Pipe,
  Violation,
  type Dice,
  type Host,
  type Noticing,
  type PipeTraits,
  type World,
} from "@holdfast/core/testing";
import type { Attempt, Link } from "../../link.ts";
import type { Ledger } from "./ledger.ts";
import type { Message, Peer } from "./peer.ts";

/** What the engine may know of a link, fixed for a line. */
export interface Traits {
  readonly pings: boolean;
  readonly beats: boolean;
  readonly survivesPingFailure: boolean;
  /** A rude transport: its dial ignores the abort, and it reports things after the end. */
  readonly rude: boolean;
}

export class Carrier {
  /** `refusing`: an error after a round trip; `silent`: nothing comes back, and links fall silent too. */
  network: "up" | "refusing" | "silent" = "up";
  path: PipeTraits = { out: { latencyMs: 20 }, back: { latencyMs: 20 } };
  address = "10.0.0.1";
  /** How often a ping fails at once, where links survive that. */
  pingFailure = 0;
  /** What a transport's owner may do when a link closes. */
  onLinkClosed: () => void = () => undefined;
  readonly world: World;
  readonly host: Host;
  readonly peer: Peer;
  readonly dice: Dice;
  readonly #pipes = new Set<Pipe<Message>>();

  constructor(world: World, host: Host, peer: Peer, dice: Dice) {
    this.world = world;
    this.host = host;
    this.peer = peer;
    this.dice = dice;
  }

  /** Break every connection. */
  cut(noticing: Noticing): void {
    for (const pipe of this.#pipes) pipe.cut(noticing);
    this.#pipes.clear();
  }

  setNetwork(network: "up" | "refusing" | "silent"): void {
    this.world.note(`network ${network}`);
    this.network = network;
    if (network === "silent") this.blacken();
  }

  /** Every connection goes on existing, and nothing passes any more. */
  blacken(): void {
    for (const pipe of this.#pipes) pipe.blacken();
    this.#pipes.clear();
  }

  dial(attempt: Attempt<number>, traits: Traits, ledger: Ledger): Promise<SimulatedLink> {
    return new Promise((resolve, reject) =>
      new Connecting(this, attempt, traits, ledger, resolve, reject).start(),
    );
  }

  open(): Pipe<Message> {
    const pipe = new Pipe<Message>(this.world, this.dice.fork(), this.path);
    this.#pipes.add(pipe);
    this.peer.accept(pipe);
    return pipe;
  }
}

/** One dial, until it is a link or a failure. */
class Connecting {
  readonly #carrier: Carrier;
  readonly #attempt: Attempt<number>;
  readonly #traits: Traits;
  readonly #ledger: Ledger;
  readonly #resolve: (link: SimulatedLink) => void;
  readonly #reject: (error: unknown) => void;
  readonly #run: number;
  #pipe: Pipe<Message> | undefined = undefined;
  #link: SimulatedLink | undefined = undefined;
  #over = false;

  constructor(
    carrier: Carrier,
    attempt: Attempt<number>,
    traits: Traits,
    ledger: Ledger,
    resolve: (link: SimulatedLink) => void,
    reject: (error: unknown) => void,
  ) {
    this.#carrier = carrier;
    this.#attempt = attempt;
    this.#traits = traits;
    this.#ledger = ledger;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#run = ledger.dialCalled(attempt);
  }

  start(): void {
    const { world, host, path } = this.#carrier;
    onAbort(this.#attempt.signal, () => this.#aborted());
    const roundTripMs = path.out.latencyMs + path.back.latencyMs;
    world.after(roundTripMs, () => host.deliver(() => this.#connected()));
  }

  #connected(): void {
    const { network } = this.#carrier;
    if (this.#over || network === "silent") return;
    if (network === "refusing") {
      return this.#fail(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    }
    const pipe = this.#carrier.open();
    const { host } = this.#carrier;
    this.#pipe = pipe;
    pipe.near.listen({
      message: (message) => host.deliver(() => this.#heard(message)),
      ended: (how) => host.deliver(() => this.#ended(how)),
    });
    const token = this.#attempt.credential;
    if (!this.#attempt.suspect) this.#ledger.secretSent();
    pipe.near.send({ type: "hello", token }, 64);
  }

  #heard(message: Message): void {
    if (this.#link !== undefined) return this.#link.heard(message);
    if (this.#over) return;
    this.#attempt.heard();
    if (message.type === "refused") return this.#fail(message.failure);
    if (message.type !== "welcome" || this.#pipe === undefined) return;
    this.#over = true;
    this.#link = new SimulatedLink(this.#carrier, this.#pipe, this.#attempt, this.#traits, this.#ledger, {
      run: this.#run,
      windowMs: message.windowMs,
    });
    this.#ledger.opened(this.#run, this.#link, message.windowMs);
    this.#resolve(this.#link);
  }

  #ended(how: string): void {
    if (this.#link !== undefined) return this.#link.ended(how);
    if (this.#over) return;
    this.#fail(how === "closed" ? closedByPeer() : Object.assign(new Error("reset"), { code: "ECONNRESET" }));
  }

  #aborted(): void {
    this.#ledger.dialAborted(this.#run, this.#attempt.signal.reason);
    if (this.#over || this.#traits.rude) return;
    this.#over = true;
    this.#pipe?.near.close();
    this.#reject(new Error("aborted"));
  }

  #fail(error: unknown): void {
    this.#over = true;
    this.#pipe?.near.close();
    this.#ledger.dialFailed(this.#run, HoldfastError.from(error));
    this.#reject(error);
  }
}

export class SimulatedLink implements Link {
  readonly ping?: () => Promise<void>;
  readonly beats: boolean;
  readonly survivesPingFailure: boolean;
  readonly localAddress: string;
  readonly reconnectWindowMs: number | undefined;
  readonly run: number;
  closed = false;
  readonly #carrier: Carrier;
  readonly #pipe: Pipe<Message>;
  readonly #attempt: Attempt<number>;
  readonly #ledger: Ledger;
  readonly #rude: boolean;
  #unacked = 0;
  #moved = 0;

  constructor(
    carrier: Carrier,
    pipe: Pipe<Message>,
    attempt: Attempt<number>,
    traits: Traits,
    ledger: Ledger,
    details: { readonly run: number; readonly windowMs: number | undefined },
  ) {
    this.#carrier = carrier;
    this.#pipe = pipe;
    this.#attempt = attempt;
    this.#ledger = ledger;
    this.#rude = traits.rude;
    this.beats = traits.beats;
    this.survivesPingFailure = traits.survivesPingFailure;
    this.localAddress = carrier.address;
    this.run = details.run;
    this.reconnectWindowMs = details.windowMs;
    if (traits.pings) this.ping = () => this.#ping();
  }

  close(reason?: HoldfastError): void {
    if (this.closed) return;
    this.closed = true;
    this.#pipe.near.close();
    this.#ledger.linkClosed(this, reason);
    this.#carrier.onLinkClosed();
    if (this.#rude) this.#reportLate();
  }

  /** The application sends. */
  write(bytes: number): void {
    if (this.closed) return;
    this.#unacked += bytes;
    this.#pipe.near.send({ type: "data", bytes }, bytes);
    this.#report();
  }

  heard(message: Message): void {
    if (this.closed && !this.#rude) return;
    if (!this.closed) this.#ledger.heard(this);
    this.#attempt.heard();
    if (message.type === "ack") {
      this.#unacked = Math.max(0, this.#unacked - message.bytes);
      this.#moved += message.bytes;
      this.#report();
    }
    if (message.type === "drain") {
      if (!this.closed) this.#ledger.drained(message.windowMs);
      this.#attempt.draining(message.windowMs);
    }
    if (message.type === "bye") this.#lose(message.failure);
  }

  ended(how: string): void {
    this.#lose(how === "closed" ? closedByPeer() : HoldfastError.from({ code: "ECONNRESET" }));
  }

  #lose(failure: HoldfastError): void {
    if (this.closed) return;
    this.#ledger.lost(this, failure);
    this.#attempt.lost(failure);
  }

  #report(): void {
    if (!this.closed) this.#ledger.progressed(this.#unacked, this.#moved);
    this.#attempt.progress(this.#unacked, this.#moved);
  }

  #ping(): Promise<void> {
    const failed = this.#carrier.dice.chance(this.#carrier.pingFailure);
    this.#ledger.pinged(this, failed);
    if (failed) return Promise.reject(new Error("the ping could not be sent"));
    this.#pipe.near.send({ type: "ping" }, 16);
    return Promise.resolve();
  }

  /** What a careless transport says when nobody should listen any more. */
  #reportLate(): void {
    const { world, host, dice } = this.#carrier;
    world.after(dice.magnitude(1, 20_000), () =>
      host.deliver(() => {
        this.#attempt.heard();
        this.#attempt.draining(60_000);
        this.#attempt.progress(1_000, 0);
        this.#attempt.lost(new HoldfastError({ code: "late", message: "a late report", kind: "fatal" }));
      }),
    );
  }
}

/** What a listener of a signal throws ends the process; the world has noted it already. */
export function onAbort(signal: Attempt["signal"], act: () => void): void {
  const listener = (): void => {
    try {
      act();
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown;
    }
  };
  signal.addEventListener("abort", listener, { once: true });
}

function closedByPeer(): HoldfastError {
  return new HoldfastError({ code: "closed_by_peer", message: "the other side closed", fault: "peer" });
}
