// `holdfast demo`: a relay, a service and a tunnel on this machine; the connection between them is broken in
// several ways while somebody watches it come back.
import type { DemoSummary } from "@holdfast/control";
import { NO_OUTAGE, trackOutage } from "@holdfast/control";
import { defineCommand, type Context } from "../command.ts";
import { Stop, openCommandControl, printEvents } from "../control.ts";
import { Download } from "../demo/download.ts";
import { pictureLines } from "../demo/picture.ts";
import { CUTS, ROUND_MS, type Cut } from "../demo/scenario.ts";
import { Stage } from "../demo/stage.ts";
import { summaryLines } from "../demo/summary.ts";
import { Traffic } from "../demo/traffic.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { flag, type Values } from "../options/option.ts";
import { handleSignals } from "../signals.ts";
import { LiveView } from "../terminal/live-view.ts";
import { Output } from "../terminal/output.ts";
import { VERSION } from "../version.ts";

const options = {
  forever: flag({ name: "forever", description: "go on breaking and mending until interrupted" }),
  ...outputOptions,
} as const;

export const demo = defineCommand({
  name: "demo",
  summary: "watch a tunnel come back, on this machine alone",
  description:
    "Runs a relay, a small web service and a tunnel between them on this machine. A download and ten requests a\n" +
    "second go through the tunnel while its connection is broken in several ways. Ends by itself after 20 s with\n" +
    "what it measured. The delays are shorter than the defaults.",
  usage: "",
  options,
  examples: [
    { line: "holdfast demo", does: "watch for 20 seconds" },
    { line: "holdfast demo --json", does: "the same as objects, the figures last" },
  ],
  run,
});

type Outages = DemoSummary["outages"];

/** With `--forever`, as many as the table may show. */
const MOST_OUTAGES = 100;

async function run(
  context: Context,
  _args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  const { output } = context;
  const stop = new Stop();
  handleSignals({ drain: (signal) => stop.ask(signal), hangup: () => undefined });
  const view = output.isInteractive ? new LiveView(process.stdout) : undefined;
  await using host = await openCommandControl(context, "demo", "demo");
  const stopPrinting = printEvents(host, output);
  const show = new Show(view === undefined ? output : logged(output, view), view, values.forever);
  const stage = new Stage(host, show.output);
  try {
    await stage.start();
    const summary = await show.play(stage, stop);
    view?.close();
    stopPrinting();
    output.data(["", ...summaryLines(summary, stop.reason !== undefined)].join("\n"), summary);
    return stop.reason !== undefined || wentWell(summary) ? EXIT.ok : EXIT.failed;
  } finally {
    view?.close();
    await stage.close();
  }
}

function wentWell({ outages, download }: DemoSummary): boolean {
  return outages.every((outage) => outage.away_ms !== null) && download.hash_matches;
}

/** Status lines go above the picture instead of through it. */
function logged(output: Output, view: LiveView): Output {
  const stream = {
    write: (text: string): boolean => {
      view.log(text.replace(/\n$/, ""));
      return true;
    },
    on: () => undefined,
  };
  return new Output({
    stdout: stream,
    stderr: stream,
    json: false,
    quiet: false,
    verbose: output.verbose,
    color: output.color,
    hello: { type: "hello", schema: 1, version: VERSION, pid: process.pid, command: "demo", started_at: "" },
  });
}

class Show {
  readonly output: Output;
  readonly #view: LiveView | undefined;
  readonly #forever: boolean;
  readonly #startedAt = performance.now();
  /** At most `MOST_OUTAGES`. */
  readonly #outages: Outages = [];
  #cut: Cut | undefined;
  #download: Download | undefined;
  #cutsOfDownload = 0;

  constructor(output: Output, view: LiveView | undefined, forever: boolean) {
    this.output = output;
    this.#view = view;
    this.#forever = forever;
  }

  /** Until the round is over, or somebody asks to stop. */
  async play(stage: Stage, stop: Stop): Promise<DemoSummary> {
    const traffic = new Traffic(
      () => stage.tunnel.view.publicEndpoint,
      () => performance.now(),
    );
    const drawing = setInterval(() => this.#draw(stage, traffic), 100);
    void this.#measure(stage);
    void this.#startDownload(stage);
    try {
      do await this.#round(stage, stop);
      while (this.#forever && stop.reason === undefined);
    } finally {
      clearInterval(drawing);
      traffic.stop();
      this.#draw(stage, traffic);
    }
    return {
      type: "demo_summary",
      outages: this.#outages,
      download: {
        bytes: this.#download?.received ?? 0,
        cuts: this.#cutsOfDownload,
        hash_matches: this.#download?.hash !== undefined && this.#download.hash === stage.sentHash,
      },
      requests_served: traffic.served,
      requests_failed: traffic.failed,
      longest_gap_ms: Math.round(traffic.gapMs),
      duration_ms: Math.round(this.#elapsed()),
    };
  }

  async #round(stage: Stage, stop: Stop): Promise<void> {
    const startedAt = this.#elapsed();
    const until = (atMs: number): Promise<unknown> => pause(startedAt + atMs - this.#elapsed(), stop);
    for (const cut of CUTS) {
      await until(cut.atMs);
      if (stop.reason !== undefined) return;
      this.#cut = cut;
      this.#outages.push({ name: cut.name, away_ms: null, noticed_after_ms: null, attempts: 0 });
      if (this.#outages.length > MOST_OUTAGES) this.#outages.shift();
      if (this.#download !== undefined && !this.#download.done) this.#cutsOfDownload += 1;
      this.output.status(this.output.style(`cut: ${cut.name}`, "bold"));
      this.output.line({ type: "cut", name: cut.name, at_ms: Math.round(this.#elapsed()) });
      await cut.begin(stage);
      await until(cut.atMs + cut.lastsMs);
      await cut.end(stage);
      this.#cut = undefined;
    }
    await until(ROUND_MS);
  }

  /** One connection that is open from the beginning to its end. */
  async #startDownload(stage: Stage): Promise<void> {
    for await (const { state } of stage.tunnel.view.changes()) if (state === "connected") break;
    const address = stage.tunnel.view.publicEndpoint;
    if (address !== undefined) this.#download = new Download(address);
  }

  /** Each outage of the tunnel belongs to the cut before it. */
  async #measure(stage: Stage): Promise<void> {
    let tracker = NO_OUTAGE;
    for await (const status of stage.tunnel.view.changes()) {
      const step = trackOutage(tracker, status);
      tracker = step.tracker;
      const latest = this.#outages.at(-1);
      if (step.outage === undefined || latest === undefined) continue;
      latest.away_ms = Math.round((latest.away_ms ?? 0) + step.outage.awayMs);
      latest.noticed_after_ms ??= Math.round(step.outage.noticedAfterMs ?? 0);
      latest.attempts += step.outage.attempts;
    }
  }

  #draw(stage: Stage, traffic: Traffic): void {
    const lengthMs = this.#forever ? undefined : ROUND_MS;
    const moment = { elapsedMs: this.#elapsed(), lengthMs, cut: this.#cut?.name, download: this.#download };
    this.#view?.draw(pictureLines(stage, traffic, moment, this.output));
  }

  #elapsed(): number {
    return performance.now() - this.#startedAt;
  }
}

async function pause(ms: number, stop: Stop): Promise<void> {
  if (ms <= 0) return;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([over, stop.asked]);
  clearTimeout(timer);
}
