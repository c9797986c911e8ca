// Programs and their daemon are of one version: an old daemon and a new command would misunderstand each other in silence.
import type { Hello } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";

/** @throws HoldfastError `version_mismatch` (fatal) naming the older one. */
export function checkVersion({ pid, version }: Pick<Hello, "pid" | "version">, ours: string): void {
  if (version === ours) return;
  const daemonIsOlder = compareVersions(version, ours) < 0;
  const message = daemonIsOlder
    ? `the daemon (process ${pid}) is of version ${version}, older than this command, ${ours}`
    : `this command is of version ${ours}, older than the daemon (process ${pid}), ${version}`;
  const hint = daemonIsOlder
    ? "holdfast daemon restart starts one of this version; it keeps the connections"
    : "use the newer command, or let this one start a daemon of its own version: holdfast daemon restart";
  throw new HoldfastError({ code: "version_mismatch", message, hint, kind: "fatal", fault: "local" });
}

/** By their numbers: below 0 if the first is older. */
function compareVersions(one: string, other: string): number {
  const [a, b] = [numbersOf(one), numbersOf(other)];
  for (let part = 0; part < Math.max(a.length, b.length); part++) {
    const difference = (a[part] ?? 0) - (b[part] ?? 0);
    if (difference !== 0) return difference;
  }
  // Of the same numbers, one that is not finished (`1.0.0-rc`) is older.
  return Number(other.includes("-")) - Number(one.includes("-"));
}

function numbersOf(version: string): number[] {
  return version
    .replace(/[-+].*$/, "")
    .split(".")
    .map((part) => Number.parseInt(part, 10) || 0);
}
