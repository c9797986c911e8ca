// Whether the relay would give us a tunnel: it is asked for one, which is closed as soon as it is there.
import type { Check } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { Context } from "../command.ts";
import type { secretOptions, trustOptions } from "../options/flags.ts";
import type { Values } from "../options/option.ts";
import type { RelayUrl } from "../options/values.ts";
import { findRunningRelay } from "../relay/find-relay.ts";
import { readSecret } from "../secret.ts";
import { formatDuration } from "../terminal/format.ts";
import { openViews } from "../tunnel/open-views.ts";

/** A healthy relay answers at once; nobody wants to wait for the others as long as a tunnel would. */
const LONGEST_DIAL_MS = 5_000;
/** No visitor comes in that moment; one that did would find nobody. */
const NOBODY = { host: "127.0.0.1", port: 9 };

type RelaySettings = Values<typeof secretOptions & typeof trustOptions> & {
  readonly relay: RelayUrl | undefined;
  readonly dialTimeout: number;
};

export async function checkRelay(context: Context, settings: RelaySettings): Promise<Check> {
  let url = settings.relay;
  try {
    url ??= await findRunningRelay(context);
    if (url === undefined) return relayCheck("ok", "none given, none running; expose would start one");
    const secret = await readSecret(settings, context.output);
    const elapsedMs = await openForAMoment(url, secret, context, settings);
    return relayCheck("ok", `${url.href} answers after ${formatDuration(elapsedMs)}`);
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    const hint = error.hint ?? "check the address, and that `holdfast relay` runs there";
    const where = url === undefined ? "" : `${url.href}: `;
    return relayCheck(error.kind === "throttled" ? "warning" : "failed", `${where}${error.text}`, hint);
  }
}

/** How long it took until the tunnel was there, in milliseconds. */
async function openForAMoment(
  url: RelayUrl,
  secret: string | undefined,
  context: Context,
  settings: RelaySettings,
): Promise<number> {
  const startedAt = performance.now();
  const [view] = await openViews(context, {
    url,
    targets: [{ target: NOBODY, port: 0, force: false }],
    secret,
    trust: settings,
    policy: { reconnect: false, dialTimeoutMs: Math.min(settings.dialTimeout, LONGEST_DIAL_MS) },
    onWarning: () => undefined,
  });
  try {
    for await (const status of view!.changes()) {
      if (status.state === "connected") break;
      if (status.state === "disconnected") throw status.reason.error ?? noTunnel();
    }
    return performance.now() - startedAt;
  } finally {
    await view!.close();
  }
}

function noTunnel(): HoldfastError {
  return new HoldfastError({ code: "closed", message: "the relay gave no tunnel", fault: "peer" });
}

function relayCheck(outcome: Check["outcome"], message: string, hint?: string): Check {
  return { type: "check", name: "relay", outcome, message, hint: hint ?? null };
}
