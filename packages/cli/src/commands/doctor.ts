// `holdfast doctor`: whether this machine is ready, and what reconnecting would do with these settings.
import { resolveConfig, type Config } from "@holdfast/core";
import type { Check } from "@holdfast/control";
import { defineCommand, type Context } from "../command.ts";
import { checkDaemon } from "../doctor/daemon.ts";
import { checkClock, checkFileLimit, checkNode, checkRuntimeFolder } from "../doctor/machine.ts";
import { checkRelay } from "../doctor/relay.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions, policyOf, reconnectOptions, secretOptions, trustOptions } from "../options/flags.ts";
import { optional, type Values } from "../options/option.ts";
import { parseRelayUrl } from "../options/values.ts";
import { escapeText } from "../terminal/escape.ts";
import { formatDuration } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";

const BORE_SILENCE_MS = 8_000;

const options = {
  relay: optional(
    { name: "relay", value: "<url>", description: "look at this relay; else at your running one" },
    parseRelayUrl,
  ),
  ...secretOptions,
  ...trustOptions,
  ...reconnectOptions,
  ...outputOptions,
} as const;

export const doctor = defineCommand({
  name: "doctor",
  summary: "whether this machine is ready, and what reconnecting would do",
  description:
    "Checks Node, the folders, the clock, the limit of open files, the daemon and the relay, where it opens a tunnel\n" +
    "for a moment, and says what reconnecting would do with these settings. Exits with 1 if a check failed; warnings do not count.",
  usage: "",
  options,
  examples: [
    { line: "holdfast doctor", does: "check this machine" },
    {
      line: "holdfast doctor --max-reconnect-delay 30s --json",
      does: "the same for other settings, as objects",
    },
  ],
  run,
});

async function run(
  context: Context,
  _args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  const policy = policyOf(values);
  // A tunnel's own default; the engine's is for peers that speak less often.
  const config = resolveConfig({ ...policy, heartbeat: { timeoutMs: BORE_SILENCE_MS, ...policy.heartbeat } });
  const checks = [
    checkNode(),
    await checkRuntimeFolder(context.paths.runtimeFolder),
    await checkFileLimit(),
    checkClock(),
    await checkDaemon(context),
    await checkRelay(context, values),
    explainReconnecting(config),
  ];
  for (const check of checks) show(check, context.output);
  return checks.some((check) => check.outcome === "failed") ? EXIT.failed : EXIT.ok;
}

function show(check: Check, output: Output): void {
  const mark = { ok: "ok     ", warning: "warning", failed: "FAILED " }[check.outcome];
  const hint = check.hint === null ? "" : `\n          ${escapeText(check.hint)}`;
  output.data(`${mark}  ${check.name}: ${escapeText(check.message)}${hint}`, check);
}

function explainReconnecting(config: Config): Check {
  const message = config.reconnect ? scheduleOf(config) : "off: the first loss ends the command";
  return { type: "check", name: "reconnecting", outcome: "ok", message, hint: null };
}

function scheduleOf(config: Config): string {
  const delays = Array.from({ length: 6 }, (_, index) =>
    formatDuration(Math.min(config.initialMs * config.factor ** index, config.maxMs)),
  );
  const bounds = [
    Number.isFinite(config.maxAttempts) ? `${config.maxAttempts} failures in a row` : undefined,
    Number.isFinite(config.giveUpAfterMs)
      ? `${formatDuration(config.giveUpAfterMs)} without a link`
      : undefined,
  ].filter((bound) => bound !== undefined);
  const silence =
    config.heartbeat === undefined ? "never" : `after ${formatDuration(config.heartbeat.timeoutMs)}`;
  return [
    "the first retry after a loss within 250 ms, or within the window that the relay announces",
    `then random waits of at most ${delays.join(", ")} and so on`,
    `a silent peer is given up ${silence}, a dial after ${formatDuration(config.dialTimeoutMs)}`,
    bounds.length === 0 ? "never gives up" : `gives up after ${bounds.join(" or ")}`,
  ].join("; ");
}
