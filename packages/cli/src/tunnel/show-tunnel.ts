// A tunnel within this process: shown on the control socket, and told of line by line.
import {
  lineFields,
  showLine,
  type ControlHost,
  type EntryFields,
  type TunnelEntry,
} from "@holdfast/control";
import type { EndReason, Status } from "@holdfast/core";
import { formatEndpoint } from "@holdfast/net/node";
import { describeOutage, describeState } from "../describe.ts";
import { describeDrain, tellOfCuts } from "../drain.ts";
import type { RelayUrl } from "../options/values.ts";
import { plural } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";
import type { TunnelView } from "./tunnel-view.ts";

export interface ShowTunnelOptions {
  readonly name: string;
  readonly relay: RelayUrl;
  readonly drainTimeoutMs: number;
  readonly output: Output;
  /** Put before each line of status when there are several tunnels. */
  readonly prefix: string;
  /** The tunnel has an address that it did not have before. */
  readonly onListening?: () => void;
}

export interface ShownTunnel {
  readonly view: TunnelView;
  readonly entry: () => TunnelEntry;
  /** Settles when the tunnel has ended and its visitors are gone. */
  readonly ended: Promise<EndReason>;
  /** Something that lists show is different now. */
  changed(): void;
  /** Give up the port and let visitors finish. */
  drain(): Promise<void>;
}

export function showTunnel(host: ControlHost, view: TunnelView, options: ShowTunnelOptions): ShownTunnel {
  const { output, relay } = options;
  const { target } = view;
  const status = (): EntryFields<"tunnel"> => ({
    ...lineFields(view.status),
    target: "path" in target ? `unix:${target.path}` : formatEndpoint(target),
    relay: relay.href,
    public_endpoint: view.publicEndpoint === undefined ? null : formatEndpoint(view.publicEndpoint),
    streams: view.streams,
  });
  let draining: Promise<void> | undefined;
  const drain = (): Promise<void> => {
    if (draining !== undefined) return draining;
    const { drainTimeoutMs, prefix } = options;
    const settled = tellOfCuts(() => view.streams, drainTimeoutMs, output, prefix);
    return (draining = view.drain(drainTimeoutMs).finally(settled));
  };
  const item = host.add({
    kind: "tunnel",
    name: options.name,
    status,
    reconnect: () => view.reconnect(),
    disconnect: () => {
      const streams = plural(view.streams, "open stream");
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
    void new Narrator(options, view, entry).follow();
    await showLine(view, item, {
      ...(view.streamFate !== undefined && { streamFate: () => view.streamFate?.() ?? {} }),
      onOutage: (outage) => {
        const figures = {
          away_ms: outage.awayMs,
          noticed_after_ms: outage.noticedAfterMs ?? null,
          attempts: outage.attempts,
          streams_resumed: outage.streamsResumed ?? null,
          streams_lost: outage.streamsLost ?? null,
        };
        output.status(`${options.prefix}${describeOutage(figures, stillOpen(view))}`);
      },
    });
    const reason = await view.ended;
    // Visitors that were on their way go on while the tunnel drains, and are reset otherwise.
    await (draining ?? drain());
    item.remove();
    return reason;
  })();
  return { view, entry, ended, changed: () => item.changed(), drain };
}

/** Streams that do not depend on the link never noticed that it was away. */
function stillOpen(view: TunnelView): string[] {
  return view.streams === 0 || view.streamFate !== undefined
    ? []
    : [`${plural(view.streams, "stream")} open`];
}

/** Says what a tunnel waits for, and where it listens. */
class Narrator {
  readonly #options: ShowTunnelOptions;
  readonly #view: TunnelView;
  readonly #entry: () => TunnelEntry;
  #announced: string | undefined;
  /** What is waited for was said already: only the time that is left is another one. */
  #said: string | undefined;

  constructor(options: ShowTunnelOptions, view: TunnelView, entry: () => TunnelEntry) {
    this.#options = options;
    this.#view = view;
    this.#entry = entry;
  }

  async follow(): Promise<void> {
    for await (const status of this.#view.changes()) {
      if (status.state === "connected") this.#said = undefined;
      if (status.state === "connected") this.#connected();
      else this.#away(status);
    }
  }

  #connected(): void {
    const { output, onListening, prefix } = this.#options;
    const { publicEndpoint } = this.#view;
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
    else if (this.#isNew(status)) output.status(text);
  }

  #isNew(status: Status): boolean {
    const said = `${status.state} ${status.attempt} ${status.failure?.text ?? ""}`;
    const before = this.#said;
    this.#said = said;
    return said !== before;
  }
}
