// The demo as a person watches it: who is connected, what was asked, what was cut.
import { describeEntry } from "../describe.ts";
import { formatDuration } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";
import type { Stage } from "./stage.ts";
import { DOWNLOAD_BYTES, type Download } from "./download.ts";
import type { Traffic } from "./traffic.ts";

export interface Moment {
  readonly elapsedMs: number;
  readonly lengthMs: number | undefined;
  /** What is broken now. */
  readonly cut: string | undefined;
  readonly download: Download | undefined;
}

const BAR = 50;

export function pictureLines(stage: Stage, traffic: Traffic, moment: Moment, output: Output): string[] {
  const entry = stage.tunnel.entry();
  const connected = entry.state === "connected";
  const state = output.style(describeEntry(entry, Date.now()), connected ? "green" : "yellow");
  const relay = stage.relay === undefined ? output.style("down", "red") : output.style("listening", "green");
  const network = moment.cut === undefined ? output.style("fine", "green") : output.style(moment.cut, "red");
  const requests = traffic.recent
    .map((served) => output.style(served ? "|" : "x", served ? "green" : "red"))
    .join("");
  const end = moment.lengthMs === undefined ? "" : ` of ${formatDuration(moment.lengthMs)}`;
  return [
    "",
    `  relay     ${relay}`,
    `  network   ${network}`,
    `  tunnel    ${state}`,
    `  download  ${downloadBar(moment.download, output)}`,
    `  requests  ${requests}`,
    `            ${traffic.served} served, ${traffic.failed} failed, longest gap ${formatDuration(traffic.gapMs)}`,
    "",
    output.style(`  ${formatDuration(moment.elapsedMs)}${end}; Ctrl-C ends`, "dim"),
  ];
}

function downloadBar(download: Download | undefined, output: Output): string {
  const share = (download?.received ?? 0) / DOWNLOAD_BYTES;
  const full = Math.round(share * BAR);
  const bar = output.style("=".repeat(full), "green") + output.style("-".repeat(BAR - full), "dim");
  const how = download?.failure ?? `${Math.floor(share * 100)} %`;
  return `${bar} ${how}`;
}
