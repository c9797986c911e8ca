// A tunnel in the bore dialect, as the command shows it. Its visitors have connections of their own to the relay, so
// they do not notice when the control connection is away.
import type { EndReason } from "@holdfast/core";
import type { Endpoint } from "@holdfast/net/node";
import { openBoreTunnel, type BoreTunnelOptions } from "@holdfast/tunnel";
import { escapeText } from "../terminal/escape.ts";
import type { TunnelView } from "./tunnel-view.ts";
import { VisitorWarnings } from "./visitor-warnings.ts";

export interface BoreViewOptions extends Omit<BoreTunnelOptions, "target" | "onEvent"> {
  readonly target: Endpoint;
  readonly onWarning: (text: string) => void;
  readonly onDetail: (text: string) => void;
}

export function openBoreView(options: BoreViewOptions): TunnelView {
  const { onWarning, onDetail, target, ...rest } = options;
  const visitors = new VisitorWarnings(onWarning);
  const tunnel = openBoreTunnel({
    ...rest,
    target,
    failFast: false,
    onEvent: (event) => {
      if (event.type === "warning") onDetail(escapeText(event.warning.text));
      else if (event.type === "visitor_failed") visitors.failed(event.error);
    },
  });
  return {
    target,
    get status() {
      return tunnel.line.status;
    },
    get publicEndpoint() {
      return tunnel.publicEndpoint;
    },
    get streams() {
      return tunnel.streams;
    },
    get ended(): Promise<EndReason> {
      return tunnel.line.closed;
    },
    changes: () => tunnel.line.changes(),
    reconnect: () => tunnel.line.wake("user"),
    drain: (timeoutMs) => tunnel.drain(timeoutMs),
    close: () => tunnel.close(),
  };
}
