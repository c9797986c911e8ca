// A tunnel within this process: shown on the control socket, and told of line by line.
import {
  lineFields,
  showLine,
  type ControlHost,
  type EntryFields,
  type TunnelEntry,
} from "@holdfast/control";
import type { EndReason, Policy, Status } from "@holdfast/core";
import type { WakeSource } from "@holdfast/net";
import { formatEndpoint, type Endpoint } from "@holdfast/net/node";
import { openBoreTunnel, type BoreTunnel } from "@holdfast/tunnel";
import { describeOutage, describeState } from "./describe.ts";
import { describeDrain, tellOfCuts } from "./drain.ts";
import type { RelayUrl } from "./options/values.ts";
import { escapeText } from "./terminal/escape.ts";
import { plural } from "./terminal/format.ts";
import type { Output } from "./terminal/output.ts";
import { usageError } from "./usage.ts";
import { VisitorWarnings } from "./visitor-warnings.ts";

export interface ShownTunnelOptions {
  readonly name: string;
  readonly relay: RelayUrl;
  readonly target: Endpoint;
  readonly port: number;
  readonly secret: string | undefined;
  readonly policy: Policy;
  readonly drainTimeoutMs: number;
  readonly wakes: readonly WakeSource[];
  readonly proxy: URL | undefined;
  readonly output: Output;
  /** Put before each line of status when there are several tunnels. */
  readonly prefix: string;
  /** The tunnel has an address that it did not have before. */
  readonly onListening?: () => void;
}

export interface ShownTunnel {
  readonly tunnel: BoreTunnel;
  readonly entry: () => TunnelEntry;
  /** Settles when the tunnel has ended and its visitors are gone. */
  readonly ended: Promise<EndReason>;
  /** Give up the port and let visitors finish. */
  drain(): Promise<void>;
}

export function openShownTunnel(host: ControlHost, options: ShownTunnelOptions): ShownTunnel {
  const { output, relay, target, port, secret, policy, wakes, proxy } = options;
  if (relay.scheme !== "bore") throw usageError(`${relay.scheme}:// is not spoken by this command`);
  const visitors = new VisitorWarnings((text) => output.warn(`${options.prefix}${text}`));
  const tunnel = openBoreTunnel({
    ...policy,
    relay,
    target,
    port,
    secret,
    wakes,
    proxy,
    failFast: false,
    onEvent: (event) => {
      if (event.type === "warning") output.detail(`${options.prefix}${escapeText(event.warning.text)}`);
      else if (event.type === "visitor_failed") visitors.failed(event.error);
      // Visitors come and go too often to be news for those who watch; every list counts them.
      else if (event.type === "port") item.changed();
    },
  });
  const status = (): EntryFields<"tunnel"> => ({
    ...lineFields(tunnel.line.status),
    target: "path" in target ? `unix:${target.path}` : formatEndpoint(target),
    relay: relay.href,
    public_endpoint: tunnel.publicEndpoint === undefined ? null : formatEndpoint(tunnel.publicEndpoint),
    streams: tunnel.streams,
  });
  let draining: Promise<void> | undefined;
  const drain = (): Promise<void> => {
    if (draining !== undefined) return draining;
    const { drainTimeoutMs, prefix } = options;
    const settled = tellOfCuts(() => tunnel.streams, drainTimeoutMs, output, prefix);
    return (draining = tunnel.drain(drainTimeoutMs).finally(settled));
  };
  const item = host.add({
    kind: "tunnel",
    name: options.name,
    status,
    reconnect: () => tunnel.line.wake("user"),
    disconnect: () => {
      const streams = plural(tunnel.streams, "open stream");
      output.status(`${options.prefix}${describeDrain("disconnect", streams, options.drainTimeoutMs)}`);
      void drain();
    },
  });
  const entry = (): TunnelEntry => ({
    type: "tunnel",
    pid: process.pid,
    id: item.id,
    name: item.name,
    ...status(),
  });
  const ended = (async () => {
    void new Narrator(options, tunnel, entry).follow();
    await showLine(tunnel.line, item, {
      onOutage: (outage) => {
        const figures = { away_ms: outage.awayMs, noticed_after_ms: outage.noticedAfterMs ?? null };
        output.status(
          `${options.prefix}${describeOutage({ ...figures, attempts: outage.attempts }, kept(tunnel))}`,
        );
      },
    });
    const reason = await tunnel.line.closed;
    // Visitors that were on their way go on while the tunnel drains, and are reset otherwise.
    await (draining ?? drain());
    item.remove();
    return reason;
  })();
  return { tunnel, entry, ended, drain };
}

function kept(tunnel: BoreTunnel): string[] {
  return tunnel.streams === 0 ? [] : [`${plural(tunnel.streams, "stream")} open`];
}

/** Says what a tunnel waits for, and where it listens. */
class Narrator {
  readonly #options: ShownTunnelOptions;
  readonly #tunnel: BoreTunnel;
  readonly #entry: () => TunnelEntry;
  #announced: string | undefined;

  constructor(options: ShownTunnelOptions, tunnel: BoreTunnel, entry: () => TunnelEntry) {
    this.#options = options;
    this.#tunnel = tunnel;
    this.#entry = entry;
  }

  async follow(): Promise<void> {
    for await (const status of this.#tunnel.line.changes()) {
      if (status.state === "connected") this.#connected();
      else this.#away(status);
    }
  }

  #connected(): void {
    const { output, onListening, prefix } = this.#options;
    const { publicEndpoint } = this.#tunnel;
    if (publicEndpoint === undefined) return;
    const address = formatEndpoint(publicEndpoint);
    if (address === this.#announced) return;
    if (this.#announced !== undefined)
      output.warn(`${prefix}the relay gave another port: was ${this.#announced}`);
    this.#announced = address;
    const entry = this.#entry();
    output.data(`listening at ${address}${prefix === "" ? "" : ` for ${entry.target}`}`, entry);
    output.detail(`${prefix}${address} leads to ${entry.target}`);
    onListening?.();
  }

  #away(status: Status): void {
    const { output, prefix } = this.#options;
    // How it ended is said by whoever opened it.
    if (status.state === "disconnected") return;
    const text = `${prefix}${describeState(lineFields(status))}`;
    if ("phase" in status && status.phase === "dialing") output.detail(text);
    else output.status(text);
  }
}
