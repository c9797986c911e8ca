// What the demo has measured, as a table.
import type { DemoSummary } from "@holdfast/control";
import { formatDuration, formatTable, plural } from "../terminal/format.ts";

export function summaryLines(summary: DemoSummary, stopped: boolean): string[] {
  const rows = summary.outages.map((outage) => [
    outage.name,
    outage.away_ms === null ? "not back" : formatDuration(outage.away_ms),
    outage.noticed_after_ms === null ? "-" : formatDuration(outage.noticed_after_ms),
    outage.away_ms === null ? "-" : formatDuration(outage.away_ms + (outage.noticed_after_ms ?? 0)),
    String(outage.attempts),
  ]);
  const total = summary.requests_served + summary.requests_failed;
  const { download } = summary;
  const early = "the demo was stopped before its end";
  const verdict = download.hash_matches ? "hash verified: not a byte lost" : stopped ? early : "NOT complete";
  return [
    ...formatTable([["OUTAGE", "AWAY", "NOTICED AFTER", "IN ALL", "ATTEMPTS"], ...rows]),
    "",
    `download: ${(download.bytes / 1e6).toFixed(1)} MB through ${plural(download.cuts, "cut")}, ${verdict}`,
    `${plural(total, "request")} in ${formatDuration(summary.duration_ms)}: ${summary.requests_served} served, ` +
      `${summary.requests_failed} failed (while there was no relay, or too long in a gap), ` +
      `longest gap ${formatDuration(summary.longest_gap_ms)}`,
  ];
}
