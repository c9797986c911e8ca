// The public ports: who has which, how one is found, and how one changes hands.
import { HoldfastError, type Random } from "@holdfast/core";
import { listen, type Listener, type Socket } from "@holdfast/net/node";
import { RELAY_TEXT } from "../bore/texts.ts";
import { randomPorts } from "./random-ports.ts";
import type { RelayTunnel } from "./tunnel.ts";

/** How many ports that other programs might have are tried before the relay says that it found none. */
const MAX_BIND_ATTEMPTS = 150;

interface Place {
  readonly listener: Listener;
  tunnel: RelayTunnel | undefined;
}

export type Claim =
  /** The port is yours: call `assign`. */
  | { readonly type: "bound"; readonly port: number }
  /** Somebody has it. */
  | { readonly type: "held"; readonly by: RelayTunnel }
  | { readonly type: "refused"; readonly text: string };

export interface PortsOptions {
  readonly host: string;
  readonly range: readonly [number, number];
  readonly random: Random;
  readonly onVisitor: (tunnel: RelayTunnel, visitor: Socket) => void;
  readonly onError: (error: HoldfastError) => void;
  readonly refuseVisitor: (visitor: Socket) => void;
}

export class Ports {
  readonly #options: PortsOptions;
  /** One for each tunnel, so at most `limits.tunnels`, and the ports of the range. */
  readonly #places = new Map<number, Place | "binding">();

  constructor(options: PortsOptions) {
    this.#options = options;
  }

  /** Get a port: this one, or with 0 any. */
  async claim(port: number): Promise<Claim> {
    const [least, greatest] = this.#options.range;
    if (port === 0) return this.#claimAny();
    if (port < least || port > greatest) return { type: "refused", text: RELAY_TEXT.portNotAllowed };
    return this.#claimOne(port);
  }

  /** The tunnel has the port from now on; if another one had it, it no longer does. */
  assign(port: number, tunnel: RelayTunnel): void {
    const place = this.#places.get(port);
    if (place !== undefined && place !== "binding") place.tunnel = tunnel;
  }

  /** The port is free at once, unless it is somebody else's by now. */
  release(port: number, tunnel: RelayTunnel | undefined): void {
    const place = this.#places.get(port);
    if (place === undefined || place === "binding" || place.tunnel !== tunnel) return;
    this.#places.delete(port);
    void place.listener.close();
  }

  /** Refuse visitors from now on; the tunnels stay. */
  stopListening(): Promise<unknown> {
    const places = [...this.#places.values()].filter((place) => place !== "binding");
    return Promise.all(places.map(({ listener }) => listener.close()));
  }

  async #claimOne(port: number): Promise<Claim> {
    const place = this.#places.get(port);
    if (place === "binding" || (place !== undefined && place.tunnel === undefined)) return inUse();
    if (place?.tunnel !== undefined) return { type: "held", by: place.tunnel };
    return this.#bind(port);
  }

  async #claimAny(): Promise<Claim> {
    let attempts = 0;
    for (const port of randomPorts(this.#options.range, this.#options.random)) {
      if (this.#places.has(port)) continue;
      const claim = await this.#bind(port);
      if (claim.type === "bound") return claim;
      attempts += 1;
      if (attempts >= MAX_BIND_ATTEMPTS) break;
    }
    return { type: "refused", text: RELAY_TEXT.noPortFound };
  }

  async #bind(port: number): Promise<Claim> {
    this.#places.set(port, "binding");
    try {
      const listener = await listen({
        endpoint: { host: this.#options.host, port },
        onConnection: (visitor) => this.#arrive(port, visitor),
        onError: this.#options.onError,
      });
      this.#places.set(port, { listener, tunnel: undefined });
      return { type: "bound", port };
    } catch (error) {
      this.#places.delete(port);
      return { type: "refused", text: textOf(HoldfastError.from(error)) };
    }
  }

  #arrive(port: number, visitor: Socket): void {
    const place = this.#places.get(port);
    const tunnel = place === undefined || place === "binding" ? undefined : place.tunnel;
    if (tunnel === undefined) this.#options.refuseVisitor(visitor);
    else this.#options.onVisitor(tunnel, visitor);
  }
}

function inUse(): Claim {
  return { type: "refused", text: RELAY_TEXT.portInUse };
}

function textOf(error: HoldfastError): string {
  if (error.code === "address_in_use") return RELAY_TEXT.portInUse;
  if (error.code === "permission_denied") return RELAY_TEXT.permissionDenied;
  return RELAY_TEXT.bindFailed;
}
