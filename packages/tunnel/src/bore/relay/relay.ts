// The relay for bore clients: who comes is heard out, then gets a port or takes a visitor.
import { randomUUID } from "node:crypto";
import type { Clock } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import {
  Admission,
  limitKey,
  listen,
  resetSocket,
  type Endpoint,
  type Listener,
  type Socket,
} from "@holdfast/net/node";
import { secretKey, type SecretKey } from "../auth.ts";
import { FrameStream } from "../frame-stream.ts";
import { busyText, RELAY_TEXT } from "../texts.ts";
import type { Uuid } from "../uuid.ts";
import { Changes } from "../../changes.ts";
import { harmless } from "../../listener.ts";
import { checkOpenness } from "../../relay/closed-by-default.ts";
import { ExpiryQueue } from "../../relay/expiry.ts";
import { Farewells } from "./farewells.ts";
import { greet, greetingTimeout, type Greeting } from "./greeting.ts";
import { HeartbeatRound } from "./heartbeats.ts";
import { resolveLimits, type RelayLimits } from "./limits.ts";
import { BORE_PORT, type BoreRelay, type BoreRelayOptions, type RelayEvent } from "./options.ts";
import { cryptoRandom } from "../../crypto-random.ts";
import { Pacer } from "../../relay/pacer.ts";
import type { RelayStatus, TunnelInfo } from "../../relay/status.ts";
import { Ports } from "./ports.ts";
import { Probes } from "./probes.ts";
import { Ticker } from "../../relay/ticker.ts";
import { RelayTunnel, shownAddress, type TunnelEnd } from "./tunnel.ts";
import { PendingVisitors } from "./visitors.ts";

/** A newcomer waits 3 s for its answer; after this much of it, a probe of 2 s would come too late. */
const PROBE_PATIENCE_MS = 500;
/** How many secrets clients that are here may still use for their visitors, the present one included. */
const MAX_SECRETS = 4;
const DEFAULT_DRAIN_MS = 30_000;

/**
 * Start a relay for bore clients.
 * @throws HoldfastError `bad_config`, `anonymous_relay`, or why it cannot listen (`address_in_use`, …).
 */
export async function startBoreRelay(options: BoreRelayOptions = {}): Promise<BoreRelay> {
  checkOpenness(options);
  const relay = new Relay(options);
  await relay.start(options.bind ?? "127.0.0.1", options.port ?? BORE_PORT);
  return relay;
}

class Relay implements BoreRelay {
  readonly #clock: Clock;
  readonly #limits: RelayLimits;
  /** The present secret first; never more than `MAX_SECRETS`. Empty: open to all. */
  #keys: readonly SecretKey[];
  readonly #onEvent: (event: RelayEvent) => void;
  readonly #admission: Admission;
  readonly #pacer: Pacer;
  readonly #ports: Ports;
  readonly #visitors: PendingVisitors;
  readonly #probes: Probes;
  readonly #farewells: Farewells;
  readonly #ticker: Ticker;
  readonly #heartbeats = new HeartbeatRound();
  readonly #greetings: ExpiryQueue<FrameStream>;
  /** At most `limits.handshakes`. */
  readonly #greeting = new Map<FrameStream, Socket>();
  /** One for each tunnel with visitors on the way, ended ones included. */
  readonly #streaming = new Set<RelayTunnel>();
  readonly #changes: Changes<RelayStatus>;
  #listener: Listener | undefined;
  #draining = false;
  #drainEndsAt = 0;
  #drained: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(options: BoreRelayOptions) {
    const clock = options.clock ?? systemClock;
    const random = options.random ?? cryptoRandom;
    const limits = resolveLimits(options.limits);
    this.#clock = clock;
    this.#limits = limits;
    this.#keys = options.secret === undefined ? [] : [secretKey(options.secret)];
    this.#onEvent = harmless(options.onEvent);
    this.#admission = new Admission({ ...limits, clientsPerAddress: limits.tunnelsPerAddress }, clock);
    this.#pacer = new Pacer({
      clock,
      random,
      perSecond: limits.handshakesPerSecond,
      queueMs: limits.queueMs,
    });
    this.#ticker = new Ticker(clock, () => this.#tick());
    this.#farewells = new Farewells(clock, limits, () => this.#ticker.start());
    this.#probes = new Probes(clock, makeUuid);
    this.#greetings = new ExpiryQueue(limits.handshakeMs);
    this.#visitors = new PendingVisitors(limits.pendingVisitorMs, (visitor) => {
      this.#admission.visitorDone(visitor.tunnel.address);
      this.#changed();
    });
    this.#ports = new Ports({
      host: options.tunnelBind ?? options.bind ?? "127.0.0.1",
      range: options.ports ?? [1_024, 65_535],
      random,
      onVisitor: (tunnel, visitor) => this.#visit(tunnel, visitor),
      onError: (error) => this.#onEvent({ type: "warning", error }),
      refuseVisitor: resetSocket,
    });
    this.#changes = new Changes(() => ({ draining: this.#draining, tunnels: this.tunnels }));
  }

  async start(host: string, port: number): Promise<void> {
    this.#listener = await listen({
      endpoint: { host, port },
      onConnection: (socket) => void this.#receive(socket),
      onError: (error) => this.#onEvent({ type: "warning", error }),
    });
  }

  get endpoint(): Endpoint {
    if (this.#listener === undefined) throw new Error("a relay that did not start has no endpoint");
    return this.#listener.endpoint;
  }

  get tunnels(): readonly TunnelInfo[] {
    const all = [...this.#heartbeats.tunnels()].sort((a, b) => a.port - b.port);
    return all.map(({ port, remoteAddress, since, visitors, pending }) => {
      return { port, remoteAddress, since, visitors, pending };
    });
  }

  changes(): AsyncIterableIterator<RelayStatus> {
    return this.#changes.values();
  }

  useSecret(secret: string): void {
    this.#keys = [secretKey(secret), ...this.#keys].slice(0, MAX_SECRETS);
  }

  drain(timeoutMs: number = DEFAULT_DRAIN_MS): Promise<void> {
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  async #drain(timeoutMs: number): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    this.#draining = true;
    this.#drainEndsAt = this.#clock.mono() + timeoutMs;
    this.#changed();
    await this.#ports.stopListening();
    const timer = this.#clock.timer(() => this.#idle?.());
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      timer.set(Math.max(1, this.#drainEndsAt - this.#clock.mono()));
      this.#checkIdle();
    });
    timer.clear();
    return this.close();
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const closed = this.#listener?.close();
    this.#idle?.();
    this.#probes.clear();
    this.#pacer.close();
    for (const { socket, tunnel } of this.#visitors.clear()) {
      this.#resetVisitor(socket, tunnel.port, "relay_closed");
    }
    for (const tunnel of this.#heartbeats.tunnels()) tunnel.end("relay_closed");
    for (const tunnel of this.#streaming) tunnel.resetVisitors();
    for (const [frames, socket] of this.#greeting) {
      frames.abort(greetingTimeout());
      socket.destroy();
    }
    this.#farewells.clear();
    this.#ticker.stop();
    this.#changes.end();
    await closed;
  }

  /** A connection came: hear what it wants. */
  async #receive(socket: Socket): Promise<void> {
    const address = limitKey(socket.remoteAddress);
    if (this.#closed !== undefined || !this.#admission.handshakeBegins(address)) {
      this.#onEvent({ type: "refused", remoteAddress: shownAddress(socket), reason: "too_many_connections" });
      resetSocket(socket);
      return;
    }
    const frames = new FrameStream(socket);
    this.#greeting.set(frames, socket);
    this.#greetings.add(frames, this.#clock.mono());
    this.#ticker.start();
    const greeting = await greet({ socket, frames, keys: this.#keys, makeUuid });
    this.#greeting.delete(frames);
    this.#greetings.delete(frames);
    if (greeting.type === "refuse" && greeting.wrongSecret) this.#admission.authenticationFailed(address);
    this.#admission.handshakeDone(address);
    if (this.#closed !== undefined) socket.destroy();
    else await this.#follow(socket, frames, greeting, address);
  }

  async #follow(socket: Socket, frames: FrameStream, greeting: Greeting, address: string): Promise<void> {
    switch (greeting.type) {
      case "hello":
        frames.release();
        return this.#openTunnel(socket, greeting.port, address);
      case "accept":
        frames.release();
        return this.#takeVisitor(socket, greeting.id);
      case "refuse":
        frames.detach();
        return this.#refuse(socket, greeting.text);
      case "drop":
        frames.detach();
        socket.destroy();
    }
  }

  async #openTunnel(socket: Socket, wanted: number, address: string): Promise<void> {
    const helloAt = this.#clock.mono();
    if (this.#draining) return this.#refuse(socket, busyText(this.#pacer.hint(this.#drainEndsAt - helloAt)));
    if (!this.#admission.clientStays(address))
      return this.#refuse(socket, "too many tunnels from this address");
    const refusal = await this.#grantTunnel(socket, wanted, address, helloAt);
    if (refusal === undefined) return;
    this.#admission.clientLeaves(address);
    this.#refuse(socket, refusal);
  }

  /** @returns why not, or nothing if the client has its tunnel. */
  async #grantTunnel(
    socket: Socket,
    wanted: number,
    address: string,
    helloAt: number,
  ): Promise<string | undefined> {
    const turn = await this.#pacer.turn();
    if (turn.type === "busy") return busyText(turn.retryAfterMs);
    if (this.#heartbeats.size >= this.#limits.tunnels) return "too many tunnels";
    const claim = await this.#ports.claim(wanted);
    if (claim.type === "refused") return claim.text;
    if (claim.type === "bound") return this.#occupy(socket, claim.port, address, undefined);
    return this.#contend(socket, claim.by, address, helloAt);
  }

  /** The port has a holder. Ask it, and let the newcomer have the port if the holder is gone. */
  async #contend(
    socket: Socket,
    by: RelayTunnel,
    address: string,
    helloAt: number,
  ): Promise<string | undefined> {
    const now = this.#clock.mono();
    const outcome = this.#probes.ask(by, evidence(by, address, now), now - helloAt <= PROBE_PATIENCE_MS);
    this.#ticker.start();
    if ((await outcome) === "in_use") return RELAY_TEXT.portInUse;
    if (!by.ended) return this.#occupy(socket, by.port, address, by);
    const again = await this.#ports.claim(by.port);
    if (again.type === "bound") return this.#occupy(socket, again.port, address, undefined);
    return again.type === "refused" ? again.text : RELAY_TEXT.portInUse;
  }

  /** Give the port to this client, and take it from another one if that had it. */
  #occupy(socket: Socket, port: number, address: string, from: RelayTunnel | undefined): string | undefined {
    if (this.#closed !== undefined || this.#draining || socket.destroyed) {
      this.#ports.release(port, undefined);
      return busyText(this.#pacer.hint(this.#drainEndsAt - this.#clock.mono()));
    }
    const onEnd = (ended: RelayTunnel, reason: TunnelEnd): void => this.#tunnelEnded(ended, reason);
    const maxUnreadBytes = this.#limits.controlBufferBytes;
    const since = this.#clock.wall();
    const tunnel = new RelayTunnel({ port, socket, address, since, maxUnreadBytes, onEnd });
    this.#ports.assign(port, tunnel);
    const moved = from === undefined ? [] : this.#visitors.moveTo(from, tunnel);
    from?.end("displaced");
    this.#heartbeats.add(tunnel);
    this.#ticker.start();
    this.#onEvent({ type: "tunnel_opened", port, remoteAddress: tunnel.remoteAddress });
    this.#changed();
    tunnel.open();
    for (const visitor of moved) {
      if (from !== undefined) this.#admission.visitorDone(from.address);
      this.#admission.visitorWaits(address);
      tunnel.offer(visitor.id);
    }
    return undefined;
  }

  #tunnelEnded(tunnel: RelayTunnel, reason: TunnelEnd): void {
    this.#heartbeats.delete(tunnel);
    this.#ports.release(tunnel.port, tunnel);
    this.#admission.clientLeaves(tunnel.address);
    this.#probes.ended(tunnel);
    if (reason === "displaced" || reason === "connection_lost") tunnel.socket.destroy();
    else this.#farewells.close(tunnel.socket);
    const { port, remoteAddress } = tunnel;
    this.#onEvent({ type: "tunnel_closed", port, remoteAddress, reason });
    this.#changed();
  }

  /** Somebody connected to a tunnel's port. */
  #visit(tunnel: RelayTunnel, socket: Socket): void {
    const { pendingVisitorsPerTunnel, visitorsPerTunnel } = this.#limits;
    socket.on("error", () => socket.destroy());
    if (tunnel.pending >= pendingVisitorsPerTunnel || tunnel.pending + tunnel.visitors >= visitorsPerTunnel) {
      return this.#resetVisitor(socket, tunnel.port, "too_many");
    }
    const id = makeUuid();
    this.#visitors.add({ id, socket, tunnel }, this.#clock.mono());
    this.#admission.visitorWaits(tunnel.address);
    this.#ticker.start();
    this.#changed();
    tunnel.offer(id);
  }

  /** A client's connection came for a visitor, or as the answer to a probe. */
  async #takeVisitor(data: Socket, id: Uuid): Promise<void> {
    const visitor = this.#visitors.take(id);
    if (visitor === undefined) {
      this.#probes.answered(id);
      data.destroy();
      return;
    }
    const { tunnel } = visitor;
    tunnel.acceptedAt = this.#clock.mono();
    this.#probes.seen(tunnel);
    this.#streaming.add(tunnel);
    const joined = tunnel.join(data, visitor.socket);
    this.#changed();
    await joined;
    if (tunnel.visitors === 0) this.#streaming.delete(tunnel);
    this.#changed();
  }

  #resetVisitor(socket: Socket, port: number, reason: "not_taken" | "too_many" | "relay_closed"): void {
    resetSocket(socket);
    this.#onEvent({ type: "visitor_reset", port, reason });
  }

  #refuse(socket: Socket, text: string): void {
    this.#onEvent({ type: "refused", remoteAddress: shownAddress(socket), reason: text });
    if (this.#closed === undefined) this.#farewells.refuse(socket, text);
    else socket.destroy();
  }

  #tick(): boolean {
    const now = this.#clock.mono();
    this.#heartbeats.tick(now);
    for (const frames of this.#greetings.expire(now)) frames.abort(greetingTimeout());
    for (const { socket, tunnel } of this.#visitors.expire(now)) {
      this.#resetVisitor(socket, tunnel.port, "not_taken");
    }
    this.#probes.tick();
    this.#farewells.tick();
    return (
      this.#heartbeats.size +
        this.#greetings.size +
        this.#visitors.size +
        this.#probes.size +
        this.#farewells.size >
      0
    );
  }

  #changed(): void {
    this.#changes.touch();
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#draining && this.#visitors.size === 0 && this.#streaming.size === 0) this.#idle?.();
  }
}

/** When the holder was last seen to be there. Bytes of its visitors say nothing if the newcomer may be itself. */
function evidence(by: RelayTunnel, newcomer: string, now: number): number | undefined {
  const dataAt = newcomer === by.address ? undefined : by.dataAt(now);
  if (by.acceptedAt === undefined) return dataAt;
  return dataAt === undefined ? by.acceptedAt : Math.max(dataAt, by.acceptedAt);
}

function makeUuid(): Uuid {
  return randomUUID();
}
