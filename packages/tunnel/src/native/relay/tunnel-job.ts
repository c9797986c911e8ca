// The tunnels of a relay, given sessions that others accept: it knows the control stream of tunnels when it sees one,
// leases ports, and brings visitors to the clients. Whoever runs it may run other jobs on the same sessions.
import type { Clock, HoldfastError, Instant, Random, Timer } from "@holdfast/core";
import { CLOSE, KIND, RESET, type SessionEnd, type SessionStream } from "@holdfast/core/session";
import { atEndOfRound, resetSocket, type Socket } from "@holdfast/net/node";
import type { AcceptedSession } from "@holdfast/net/session";
import { Changes } from "../../changes.ts";
import { PublicPorts } from "../../relay/public-ports.ts";
import { Ticker } from "../../relay/ticker.ts";
import { ControlChannel } from "../wire/control-channel.ts";
import { CONTROL_METADATA, UNBIND, decodeClientMessage, encodeMessage, type Bind } from "../wire/messages.ts";
import { DRAINING, type BindRefusal } from "./bind-refusal.ts";
import { Binds, type BindOutcome } from "./binds.ts";
import { RelayClient } from "./client.ts";
import type { Displaced, KeptLease, Lease, LeaseInput } from "./lease.ts";
import { LeaseTable } from "./lease-table.ts";
import type { TunnelRelayLimits } from "./limits.ts";
import type { NativeTunnelEnd, TunnelRelayEvent, TunnelRelayStatus } from "./options.ts";
import { ParkedVisitors, type Visitor } from "./parked-visitors.ts";
import { relayStatus } from "./relay-status.ts";

export interface TunnelJobOptions {
  /** The address that visitors connect to. */
  readonly bind: string;
  /** The least and the greatest port that is given to tunnels. */
  readonly ports: readonly [number, number];
  /** Where visitors reach the ports, told to clients. Default: the address that a client dials. */
  readonly publicHost: string | undefined;
  readonly limits: TunnelRelayLimits;
  readonly clock: Clock;
  readonly random: Random;
  /** Must not throw. */
  readonly onEvent: (event: TunnelRelayEvent) => void;
  /** The leases are other ones now: see `table`. */
  readonly onLeases: () => void;
  /** Resolves when all changes so far are where a relay after this one finds them; `undefined`: they are. */
  readonly saved: () => Promise<void> | undefined;
}

export class TunnelJob {
  readonly table: LeaseTable;
  readonly #options: TunnelJobOptions;
  readonly #binds: Binds;
  readonly #ports: PublicPorts;
  readonly #parked: ParkedVisitors;
  readonly #ticker: Ticker;
  /** Set to the end of the lease that ends first, or earlier. */
  readonly #leaseEnd: Timer;
  #leaseEndAt: Instant = Infinity;
  readonly #changes: Changes<TunnelRelayStatus>;
  /** By session, those with a control stream of ours: bounded by the host's `maxSessions`. */
  readonly #clients = new Map<string, RelayClient>();
  #arrivals = 0;
  #draining = false;
  #closed = false;

  constructor(options: TunnelJobOptions) {
    const { limits, clock, random } = options;
    this.#options = options;
    this.table = new LeaseTable(limits);
    this.#parked = new ParkedVisitors(limits);
    this.#ports = new PublicPorts({
      host: options.bind,
      range: options.ports,
      random,
      // Those who come at once are told to the client at once.
      onVisitor: (port, socket) => atEndOfRound(() => this.#arrive(port, socket)),
      onError: (error) => this.#warn(error),
    });
    const probe = (session: string): Promise<boolean> => this.#probe(session);
    this.#binds = new Binds({ clock, table: this.table, ports: this.#ports, probe });
    this.#ticker = new Ticker(clock, () => this.#tick());
    this.#leaseEnd = clock.timer(() => this.#expireLeases());
    this.#changes = new Changes(() => this.status);
  }

  get status(): TunnelRelayStatus {
    return relayStatus({
      draining: this.#draining,
      leases: this.table.leases(),
      clients: this.#clients,
      parked: this.#parked,
      clock: this.#options.clock,
    });
  }

  changes(): AsyncIterableIterator<TunnelRelayStatus> {
    return this.#changes.values();
  }

  /** Go on with what a relay before this one promised: its visitors are parked until their owners are back. */
  async restore(leases: readonly KeptLease[]): Promise<void> {
    const now = this.#options.clock.mono();
    for (const lease of leases) {
      if (lease.until <= now || !this.table.restore(lease) || !lease.expected) continue;
      // One that cannot be opened now is opened when its owner binds it.
      await this.#ports.open(lease.port);
    }
    this.#awaitLeaseEnd();
    this.#changed();
  }

  /** A client opened a stream. @returns `false` if it is none of ours. */
  takeStream(stream: SessionStream, session: AcceptedSession): boolean {
    if (this.#closed || stream.kind !== KIND.control || this.#clients.has(session.id)) return false;
    if (Buffer.from(stream.metadata).toString("utf8") !== CONTROL_METADATA) return false;
    const onFree = (freed: RelayClient): void => this.#release(freed);
    const client = new RelayClient(session, this.#options.limits.streamsPerSession, onFree);
    client.control = new ControlChannel({
      stream,
      onLine: (line) => this.#hear(client, line),
      onEnd: (end) => (end.type === "finished" ? client.control?.end() : undefined),
      onBroken: (failure) => void session.close(CLOSE.protocol, failure.text),
    });
    this.#clients.set(session.id, client);
    session.listen(stream, client.control);
    void session.ended.then((end) => this.#ended(client, end));
    return true;
  }

  /** The session has a link again. */
  attached(session: AcceptedSession): void {
    this.#moved(session, "attached");
    const client = this.#clients.get(session.id);
    if (client !== undefined) this.#release(client);
  }

  /** The session has no link. */
  away(session: AcceptedSession): void {
    this.#moved(session, "away");
  }

  /** Take no visitor and no bind any more. Those that are parked are reset; the others go on. */
  async stopListening(): Promise<void> {
    this.#draining = true;
    await this.#ports.stopListening();
    for (const visitor of this.#parked.clear()) this.#resetVisitor(visitor, "relay_closed");
    // Nothing more is said there, so that no session waits for it.
    for (const { control } of this.#clients.values()) control?.end();
    this.#changed();
  }

  /** The last words. The sessions are the caller's to close, and their visitors are reset with them. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.stopListening();
    this.#closed = true;
    this.#ticker.stop();
    this.#leaseEnd.clear();
    for (const client of this.#clients.values()) {
      for (const { port } of this.table.heldBy(client.session.id))
        this.#tellClosed(client, port, "relay_closed");
    }
    this.#changes.end();
  }

  async #hear(client: RelayClient, line: string): Promise<void> {
    const message = decodeClientMessage(line);
    if (message === undefined || client.ended) return;
    if (message.type === "unbind") return this.#unbind(client, message.id);
    await this.#bind(client, message);
  }

  async #bind(client: RelayClient, { id, port, target, force }: Bind): Promise<void> {
    if (this.#draining) return this.#refuse(client, id, DRAINING);
    const claimant = client.claimant(id, target, force);
    const isThere = (): boolean => !client.ended && !this.#draining;
    const outcome = client.since.has(id) ? duplicate() : await this.#binds.bind(claimant, port, isThere);
    if (outcome.type === "bound") this.#bound(client, outcome);
    else if (outcome.type === "refused") this.#refuse(client, id, outcome.refusal);
  }

  #bound(client: RelayClient, { lease, displaced, dropped }: BindOutcome & { type: "bound" }): void {
    const { publicHost, limits, clock } = this.#options;
    const { port, bindId, generation } = lease;
    if (dropped !== undefined) this.#closePort(dropped.port);
    if (displaced !== undefined) this.#displace(displaced, port);
    client.since.set(bindId, clock.wall());
    const bound = { type: "bound", id: bindId, port, generation, lease_ms: limits.leaseMs } as const;
    const message = encodeMessage(publicHost === undefined ? bound : { ...bound, host: publicHost });
    this.#options.onEvent({ type: "tunnel_opened", port, remoteAddress: client.session.remoteAddress });
    if (!client.session.attached) this.#moved(client.session, "away");
    this.#leasesChanged();
    this.#release(client);
    // What a client has been promised must outlive a relay that is killed the moment after.
    const saved = this.#options.saved();
    if (saved === undefined) return client.control?.send(message);
    void saved.then(() => {
      const holder = this.table.get(port);
      const still = holder?.state === "held" && holder.session === client.session.id;
      if (still && holder.bindId === bindId) client.control?.send(message);
    });
  }

  /** The port is somebody else's now. */
  #displace({ session, bindId, replaced }: Displaced, port: number): void {
    const old = this.#clients.get(session);
    if (old === undefined) return;
    old.since.delete(bindId);
    old.resetVisitors(RESET.replaced, bindId);
    this.#tellClosed(old, port, replaced ? "replaced" : "session_lost");
    if (!replaced) return;
    old.control?.send(encodeMessage({ type: "unbind", id: bindId, reason: UNBIND.replaced }));
    if (this.table.heldBy(session).length > 0) return;
    void old.session.close(CLOSE.replaced, "another program of the same owner has its ports");
  }

  #refuse(client: RelayClient, id: number, refusal: BindRefusal): void {
    client.control?.send(encodeMessage({ type: "refused", id, ...refusal }));
    this.#options.onEvent({
      type: "refused",
      remoteAddress: client.session.remoteAddress,
      reason: refusal.code,
    });
  }

  #unbind(client: RelayClient, bindId: number): void {
    const held = this.table.heldBy(client.session.id).find((lease) => lease.bindId === bindId);
    if (held !== undefined) this.#letGo(client, { type: "given_back" }, "client_left", held.port);
  }

  #ended(client: RelayClient, end: SessionEnd): void {
    this.#clients.delete(client.session.id);
    if (this.#closed) return;
    const asked = end.reason === "closed" && end.code === CLOSE.done;
    this.#letGo(client, { type: asked ? "given_back" : "lost" }, asked ? "client_left" : "session_lost");
  }

  /** A session lets go of one port, or all: the port is closed, or kept open for visitors to be parked. */
  #letGo(client: RelayClient, input: LeaseInput, reason: NativeTunnelEnd, port?: number): void {
    const changes = this.table.change(client.session.id, input, this.#options.clock.mono(), port);
    for (const { before, after } of changes) {
      client.since.delete(before.bindId);
      this.#tellClosed(client, before.port, reason);
      if (after?.state !== "kept" || !after.expected) this.#closePort(before.port);
    }
    if (changes.length === 0) return;
    this.#awaitLeaseEnd();
    this.#leasesChanged();
  }

  #closePort(port: number): void {
    this.#ports.close(port);
    for (const visitor of this.#parked.clear(port)) this.#resetVisitor(visitor, "tunnel_closed");
  }

  #moved(session: AcceptedSession, type: "attached" | "away"): void {
    const moved = this.table.change(session.id, { type }, this.#options.clock.mono());
    const told = type === "away" ? "tunnel_away" : "tunnel_back";
    const { remoteAddress } = session;
    for (const { before } of moved) {
      if ((before.awaySince === undefined) !== (type === "away")) continue;
      this.#options.onEvent({ type: told, port: before.port, remoteAddress });
    }
    if (moved.length > 0) this.#changed();
  }

  async #probe(id: string): Promise<boolean> {
    const session = this.#clients.get(id)?.session;
    return session !== undefined && (await session.probe(this.#options.limits.probeMs));
  }

  /** Somebody connected to a public port. */
  #arrive(port: number, socket: Socket): void {
    socket.on("error", () => socket.destroy());
    const visitor = { port, socket, arrival: (this.#arrivals += 1) };
    const lease = this.table.get(port);
    if (this.#draining || lease === undefined) return this.#resetVisitor(visitor, "tunnel_closed");
    if (this.#parked.count(port) === 0 && this.#carry(lease, visitor)) return this.#changed();
    if (!this.#parked.park(visitor, this.#options.clock.mono())) {
      return this.#resetVisitor(visitor, "too_many");
    }
    this.#ticker.start();
    this.#changed();
  }

  #carry(lease: Lease, visitor: Visitor): boolean {
    if (lease.state !== "held") return false;
    return this.#clients.get(lease.session)?.carry(visitor, lease.bindId) ?? false;
  }

  /** The client may have room: bring it those who wait, the first one first, whichever port it came to. */
  #release(client: RelayClient): void {
    if (this.#parked.size > 0) this.#unpark(client);
    this.#changed();
  }

  #unpark(client: RelayClient): void {
    const binds = new Map(this.table.heldBy(client.session.id).map(({ port, bindId }) => [port, bindId]));
    while (client.canCarry) {
      const visitor = this.#parked.first(binds.keys());
      const bindId = visitor === undefined ? undefined : binds.get(visitor.port);
      if (visitor === undefined || bindId === undefined || !client.carry(visitor, bindId)) break;
      this.#parked.leave(visitor);
    }
  }

  #resetVisitor(
    { socket, port }: Visitor,
    reason: (TunnelRelayEvent & { type: "visitor_reset" })["reason"],
  ): void {
    resetSocket(socket);
    this.#options.onEvent({ type: "visitor_reset", port, reason });
  }

  #tellClosed(client: RelayClient, port: number, reason: NativeTunnelEnd): void {
    const { remoteAddress } = client.session;
    this.#options.onEvent({ type: "tunnel_closed", port, remoteAddress, reason });
  }

  #tick(): boolean {
    const late = this.#parked.expire(this.#options.clock.mono());
    for (const visitor of late) this.#resetVisitor(visitor, "not_taken");
    if (late.length > 0) this.#changed();
    return this.#parked.size > 0;
  }

  /** A lease has an end now that it had not before. */
  #awaitLeaseEnd(): void {
    const now = this.#options.clock.mono();
    const end = this.table.nextEnd;
    if (this.#closed || end >= this.#leaseEndAt) return;
    this.#leaseEndAt = end;
    this.#leaseEnd.set(Math.max(0, Math.ceil(end - now)));
  }

  #expireLeases(): void {
    this.#leaseEndAt = Infinity;
    const over = this.table.expire(this.#options.clock.mono());
    for (const { port } of over) this.#closePort(port);
    if (over.length > 0) this.#leasesChanged();
    this.#awaitLeaseEnd();
  }

  #warn(error: HoldfastError): void {
    this.#options.onEvent({ type: "warning", error });
  }

  #changed(): void {
    if (!this.#closed) this.#changes.touch();
  }

  #leasesChanged(): void {
    if (this.#closed) return;
    this.#options.onLeases();
    this.#changes.touch();
  }
}

function duplicate(): BindOutcome {
  const refusal = { code: "duplicate", message: "that bind was granted already", retryable: false };
  return { type: "refused", refusal };
}
