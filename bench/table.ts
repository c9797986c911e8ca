// Figures as Markdown.
import { arch, cpus, release, totalmem, type as osType } from "node:os";

export type Row = readonly string[];

/** Columns as wide as they need to be: it is read in terminals as well. */
export function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0), 3),
  );
  const line = (row: Row): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

export function roundCount(rounds: number): string {
  return rounds === 1 ? "1 round" : `${rounds} rounds`;
}

export function number(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "-" : value.toFixed(digits);
}

/** When it was measured, and on what. */
export function machineLine(date: Date): string {
  const all = cpus();
  const machine = `${all.length} × ${all[0]?.model.trim() ?? "?"} (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${date.toISOString().slice(0, 10)}: ${machine}, ${osType()} ${release()}, Node ${process.version}`;
}
