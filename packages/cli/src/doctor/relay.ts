// Whether the relay would give us a tunnel: it is asked for one, which is closed as soon as it is there.
import type { Check } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { proxyFromEnvironment } from "@holdfast/net/node";
import { openBoreTunnel } from "@holdfast/tunnel";
import type { Context } from "../command.ts";
import { findRunningRelay } from "../find-relay.ts";
import type { secretOptions } from "../options/flags.ts";
import type { Values } from "../options/option.ts";
import type { RelayUrl } from "../options/values.ts";
import { readSecret } from "../secret.ts";
import { formatDuration } from "../terminal/format.ts";

/** A healthy relay answers at once; nobody wants to wait for the others as long as a tunnel would. */
const LONGEST_DIAL_MS = 5_000;
/** No visitor comes in that moment; one that did would find nobody. */
const NOBODY = { host: "127.0.0.1", port: 9 };

type RelaySettings = Values<typeof secretOptions> & {
  readonly relay: RelayUrl | undefined;
  readonly dialTimeout: number;
};

export async function checkRelay(context: Context, settings: RelaySettings): Promise<Check> {
  let url = settings.relay;
  try {
    url ??= await findRunningRelay(context);
    if (url === undefined) return relayCheck("ok", "none given, none running; expose would start one");
    const secret = await readSecret(settings, context.output);
    const elapsedMs = await openForAMoment(url, secret, context, settings.dialTimeout);
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
  timeoutMs: number,
): Promise<number> {
  const startedAt = performance.now();
  await using tunnel = openBoreTunnel({
    relay: url,
    target: NOBODY,
    secret,
    proxy: proxyFromEnvironment(url.host, { ...context.env }),
    reconnect: false,
    failFast: true,
    dialTimeoutMs: Math.min(timeoutMs, LONGEST_DIAL_MS),
  });
  await tunnel.line.ready();
  return performance.now() - startedAt;
}

function relayCheck(outcome: Check["outcome"], message: string, hint?: string): Check {
  return { type: "check", name: "relay", outcome, message, hint: hint ?? null };
}
