// The public ports of bore tunnels: who has which, and how one changes hands.
import type { HoldfastError, Random } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import { PublicPorts, type Opening } from "../../relay/public-ports.ts";
import { RELAY_TEXT } from "../texts.ts";
import type { RelayTunnel } from "./tunnel.ts";

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
  readonly #ports: PublicPorts;
  /** One for each tunnel, so at most `limits.tunnels`. */
  readonly #tunnels = new Map<number, RelayTunnel>();

  constructor({ host, range, random, onError, onVisitor, refuseVisitor }: PortsOptions) {
    const arrive = (port: number, visitor: Socket): void => {
      const tunnel = this.#tunnels.get(port);
      if (tunnel === undefined) refuseVisitor(visitor);
      else onVisitor(tunnel, visitor);
    };
    this.#ports = new PublicPorts({ host, range, random, onError, onVisitor: arrive });
  }

  /** Get a port: this one, or with 0 any. */
  async claim(port: number): Promise<Claim> {
    const by = this.#tunnels.get(port);
    if (by !== undefined) return { type: "held", by };
    return claimOf(await (port === 0 ? this.#ports.openAny() : this.#ports.open(port)));
  }

  /** The tunnel has the port from now on; if another one had it, it no longer does. */
  assign(port: number, tunnel: RelayTunnel): void {
    if (this.#ports.isOpen(port)) this.#tunnels.set(port, tunnel);
  }

  /** The port is free at once, unless it is somebody else's by now. */
  release(port: number, tunnel: RelayTunnel | undefined): void {
    if (this.#tunnels.get(port) !== tunnel) return;
    this.#tunnels.delete(port);
    this.#ports.close(port);
  }

  /** Refuse visitors from now on; the tunnels stay. */
  stopListening(): Promise<void> {
    return this.#ports.stopListening();
  }
}

const TEXTS: Readonly<Record<(Opening & { type: "refused" })["reason"], string>> = {
  not_allowed: RELAY_TEXT.portNotAllowed,
  in_use: RELAY_TEXT.portInUse,
  permission_denied: RELAY_TEXT.permissionDenied,
  none_found: RELAY_TEXT.noPortFound,
  failed: RELAY_TEXT.bindFailed,
};

function claimOf(opening: Opening): Claim {
  if (opening.type === "open") return { type: "bound", port: opening.port };
  return { type: "refused", text: TEXTS[opening.reason] };
}
