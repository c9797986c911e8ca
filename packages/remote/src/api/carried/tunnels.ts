// Connections that the machine makes for us, and ports that it listens on for us, by their ids. Closing a port closes
// what came by it. Each id is told to be closed exactly once.
import type { Duplex } from "node:stream";
import { HoldfastError, type Clock } from "@holdfast/core";
import type { ApiLimits } from "../limits.ts";
import type { MachineUse } from "../machine/machine-use.ts";
import type { RemoteListener } from "../../plugin/network.ts";
import { OK, type Answer, type ApiError, type Notice, type TunnelInfo } from "../wire/answers.ts";
import { apiError, overLimit } from "../wire/errors.ts";
import type { TunnelTo, TunnelWrite } from "../wire/requests.ts";
import { Feed } from "./feed.ts";
import type { Ids } from "./ids.ts";
import type { Outcome, Tell } from "./outcome.ts";

interface Tunnel {
  readonly info: TunnelInfo;
  readonly stream: Duplex;
  readonly feed: Feed;
  readonly tell: Tell;
  /** Of the port that it came by. */
  readonly listener: number | undefined;
}

interface Port {
  readonly info: TunnelInfo;
  readonly tell: Tell;
  listener: RemoteListener;
  /** Listens again over a new link. */
  again: Promise<void> | undefined;
}

/** How often, and how long after one another, a port is listened on again that is still held. */
const RELISTEN_TRIES = 15;
const RELISTEN_MS = 2_000;

export interface TunnelsOptions {
  readonly ids: Ids;
  readonly limits: ApiLimits;
  readonly clock: Clock;
}

export class Tunnels {
  readonly #options: TunnelsOptions;
  /** At most `limits.tunnels`. */
  readonly #tunnels = new Map<number, Tunnel>();
  /** At most `limits.listeners`. */
  readonly #ports = new Map<number, Port>();
  /** Of both, those that are being made. */
  #opening = 0;
  #listening = 0;

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  get list(): readonly TunnelInfo[] {
    const all = [...this.#tunnels.values(), ...this.#ports.values()].map(({ info }) => info);
    return all.toSorted((a, b) => a.id - b.id);
  }

  /** @throws HoldfastError `limit`, and as `connectTcp` does. */
  async open(use: MachineUse, { host, port }: TunnelTo, tell: Tell): Promise<Outcome> {
    this.#checkTunnels();
    this.#opening += 1;
    try {
      const stream = await use.change((machine) => machine.connectTcp(host, port));
      const id = this.#options.ids.next();
      const follow = this.#keep({ id, direction: "forward", host, port }, stream, tell);
      return { answer: { type: "tunnel_opened", id }, follow, discard: () => this.#drop(id) };
    } finally {
      this.#opening -= 1;
    }
  }

  /** @throws HoldfastError `limit`, and as `listenTcp` does. */
  async listen(use: MachineUse, { host, port: wanted }: TunnelTo, tell: Tell): Promise<Outcome> {
    const { listeners } = this.#options.limits;
    if (this.#ports.size + this.#listening >= listeners) {
      throw overLimit("ports that are listened on", listeners, "close one with tunnel_close");
    }
    this.#listening += 1;
    try {
      const id = this.#options.ids.next();
      // Who comes before the answer waits until it was sent.
      let answered: () => void = () => undefined;
      const sent = new Promise<void>((resolve) => (answered = resolve));
      const take: Take = (stream, from) => this.#incoming(id, stream, from, sent);
      const listener = await use.change((machine) => machine.listenTcp(host, wanted, take));
      const info: TunnelInfo = { id, direction: "reverse", host, port: listener.port };
      this.#ports.set(id, { info, tell, listener, again: undefined });
      const answer = { type: "tunnel_listening", id, port: listener.port } as const;
      const discard = (): void => {
        this.#closePort(id);
        answered();
      };
      return { answer, follow: answered, discard };
    } finally {
      this.#listening -= 1;
    }
  }

  async write({ id, data, end }: TunnelWrite): Promise<Answer> {
    const tunnel = this.#tunnels.get(id);
    if (tunnel === undefined) throw unknownTunnel(id);
    await tunnel.feed.write(data, end);
    return OK;
  }

  close(id: number): Answer {
    if (this.#ports.has(id)) this.#closePort(id);
    else if (this.#tunnels.has(id)) this.#drop(id);
    else throw unknownTunnel(id);
    return OK;
  }

  /** There is a new link, and the ports of the old one are gone or will be: listen on them again. */
  relisten(use: MachineUse): void {
    for (const [id, port] of this.#ports) {
      port.again = (port.again ?? Promise.resolve()).then(() => this.#relisten(id, port, use));
    }
  }

  closeAll(): void {
    for (const id of this.#ports.keys()) this.#closePort(id);
    for (const id of this.#tunnels.keys()) this.#drop(id);
  }

  async #relisten(id: number, port: Port, use: MachineUse): Promise<void> {
    if (this.#ports.get(id) !== port) return;
    const { host, port: number } = port.info;
    await port.listener.close().catch(() => undefined);
    const take: Take = (stream, from) => this.#incoming(id, stream, from, Promise.resolve());
    for (let attempt = 1; this.#ports.get(id) === port; attempt++) {
      try {
        port.listener = await use.change((machine) => machine.listenTcp(host, number, take));
        // It may have been closed meanwhile.
        if (this.#ports.get(id) !== port) await port.listener.close().catch(() => undefined);
        return;
      } catch (thrown) {
        // The far side may not know yet that the old link is gone.
        const held = HoldfastError.from(thrown).code === "address_in_use" && attempt < RELISTEN_TRIES;
        if (held) await this.#pause(RELISTEN_MS);
        else if (this.#ports.delete(id)) void port.tell(closed(id, apiError(thrown)));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.timer(resolve).set(ms));
  }

  #incoming(
    listener: number,
    stream: Duplex,
    from: { host: string; port: number },
    sent: Promise<void>,
  ): void {
    stream.on("error", () => undefined);
    if (this.#tunnels.size + this.#opening >= this.#options.limits.tunnels) return void stream.destroy();
    this.#opening += 1;
    void sent.then(async () => {
      this.#opening -= 1;
      const port = this.#ports.get(listener);
      if (port === undefined) return void stream.destroy();
      const id = this.#options.ids.next();
      const follow = this.#keep({ ...port.info, id }, stream, port.tell, listener);
      const peer = from.host === "" ? {} : { peer_addr: addressOf(from) };
      await port.tell({ type: "tunnel_incoming", listener_id: listener, tunnel_id: id, ...peer });
      follow();
    });
  }

  #keep(info: TunnelInfo, stream: Duplex, tell: Tell, listener?: number): () => void {
    const feed = new Feed(stream, this.#options.limits.inputBytes, `tunnel ${info.id}`);
    this.#tunnels.set(info.id, { info, stream, feed, tell, listener });
    return () => void this.#follow(info.id, stream, tell);
  }

  /** What comes through it, until there is no more. */
  async #follow(id: number, stream: Duplex, tell: Tell): Promise<void> {
    let error: ApiError | undefined;
    try {
      // Not by its iterator, which would end the other direction, too.
      for await (const piece of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (!this.#tunnels.has(id)) return;
        await tell({ type: "tunnel_data", id, data: piece });
      }
    } catch (thrown) {
      error = apiError(thrown);
    }
    if (!this.#tunnels.delete(id)) return;
    this.#finish(stream);
    await tell(closed(id, error));
  }

  #drop(id: number): void {
    const tunnel = this.#tunnels.get(id);
    if (tunnel === undefined) return;
    this.#tunnels.delete(id);
    this.#finish(tunnel.stream);
    void tunnel.tell(closed(id));
  }

  #closePort(id: number): void {
    const port = this.#ports.get(id);
    if (port === undefined) return;
    this.#ports.delete(id);
    // It may be gone with its link.
    port.listener.close().catch(() => undefined);
    for (const [tunnel, { listener }] of this.#tunnels) if (listener === id) this.#drop(tunnel);
    void port.tell(closed(id));
  }

  /** What was written is passed on, for as long as that may take. */
  #finish(stream: Duplex): void {
    if (stream.destroyed) return;
    const timer = this.#options.clock.timer(() => void stream.destroy());
    stream.once("close", () => timer.clear());
    timer.set(this.#options.limits.lingerMs);
    stream.resume();
    stream.end(() => void stream.destroy());
  }

  #checkTunnels(): void {
    const { tunnels } = this.#options.limits;
    if (this.#tunnels.size + this.#opening >= tunnels) {
      throw overLimit("tunnels", tunnels, "close one with tunnel_close");
    }
  }
}

type Take = (stream: Duplex, from: { readonly host: string; readonly port: number }) => void;

function closed(id: number, error?: ApiError): Notice {
  return { type: "tunnel_closed", id, ...(error !== undefined && { error }) };
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function unknownTunnel(id: number): HoldfastError {
  const message = `there is no tunnel ${id}: it was closed, or never was`;
  return new HoldfastError({ code: "not_found", message, kind: "fatal", fault: "local" });
}
