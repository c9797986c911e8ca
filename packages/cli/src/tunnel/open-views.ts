// Tunnels to a relay, in the dialect that its URL names. Never in another one: a fall-back could be forced.
import type { Policy } from "@holdfast/core";
import type { WakeSource } from "@holdfast/net";
import { proxyFromEnvironment, type Endpoint } from "@holdfast/net/node";
import type { NativeTunnel } from "@holdfast/tunnel";
import type { Context } from "../command.ts";
import type { trustOptions } from "../options/flags.ts";
import type { Values } from "../options/option.ts";
import type { RelayUrl } from "../options/values.ts";
import { openRelayDial } from "../relay/relay-dial.ts";
import { usageError } from "../usage.ts";
import { openBoreView } from "./bore-view.ts";
import { openNativeViews } from "./native-views.ts";
import type { TunnelView } from "./tunnel-view.ts";

interface ViewTarget {
  readonly target: Endpoint;
  readonly port: number;
  readonly force: boolean;
}

export interface OpenViewsOptions {
  readonly url: RelayUrl;
  readonly targets: readonly ViewTarget[];
  readonly secret: string | undefined;
  readonly trust: Values<typeof trustOptions>;
  readonly policy: Policy & { readonly wakes?: readonly WakeSource[] };
  /** `index` is the target's place in `targets`. */
  readonly onWarning: (text: string, index: number) => void;
}

/** One for each target. bore needs a connection for each; natively one session carries all. */
export async function openViews(context: Context, options: OpenViewsOptions): Promise<readonly TunnelView[]> {
  const { url, targets, secret, trust, policy, onWarning } = options;
  checkScheme(options);
  const onDetail = (text: string): void => context.output.detail(text);
  if (url.scheme === "bore") {
    const proxy = proxyFromEnvironment(url.host, { ...context.env });
    return targets.map(({ target, port }, index) => {
      const warn = (text: string): void => onWarning(text, index);
      return openBoreView({ ...policy, relay: url, secret, proxy, target, port, onDetail, onWarning: warn });
    });
  }
  let line: NativeTunnel["line"] | undefined = undefined;
  const relay = await openRelayDial(context, {
    url,
    trust,
    hasSecret: secret !== undefined,
    onAnswered: () => line?.answer(),
    onDeclined: () => void line?.close(),
  });
  const { views, tunnel } = openNativeViews({
    ...policy,
    dial: relay.dial,
    relayHost: url.host,
    ownerKey: relay.ownerKey,
    secret,
    targets,
    onRelay: (identity) => relay.confirm(identity),
    onWarning,
    onDetail,
  });
  line = tunnel.line;
  return views;
}

/** What a scheme cannot do is not silently left out: whoever asks for TLS must not get plain TCP. */
function checkScheme({ url: { scheme }, trust, targets }: OpenViewsOptions): void {
  const asked = [
    ...(trust.tls ? ["--tls"] : []),
    ...(trust.fingerprint === undefined ? [] : ["--fingerprint"]),
    ...(trust.ca === undefined ? [] : ["--ca"]),
  ];
  if ((scheme === "bore" || scheme === "ws") && asked[0] !== undefined)
    throw usageError(`${asked[0]} makes no sense with ${scheme}://, which is not encrypted`);
  if (scheme === "bore" && targets.some(({ force }) => force))
    throw usageError("--force makes no sense with bore://, where ports are nobody's");
}
