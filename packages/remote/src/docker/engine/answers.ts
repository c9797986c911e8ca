// The engine's answers, read defensively: whatever is missing or of another type becomes an empty value.
import { peerText } from "../../plugin/peer-text.ts";
import type { ContainerState, ExecState, PathStat } from "./types.ts";

export function containerState(answer: unknown): ContainerState {
  const state = member(answer, "State");
  const config = member(answer, "Config");
  return {
    id: text(answer, "Id"),
    name: peerText(text(answer, "Name").replace(/^\//, "")),
    running: member(state, "Running") === true,
    paused: member(state, "Paused") === true,
    startedAt: text(state, "StartedAt"),
    workingDirectory: text(config, "WorkingDir"),
    user: text(config, "User"),
  };
}

export function execState(answer: unknown): ExecState {
  const running = member(answer, "Running") === true;
  const code = member(answer, "ExitCode");
  return { running, exitCode: !running && typeof code === "number" ? code : undefined };
}

/** The header of the archive API: base64 of JSON. */
export function headerStat(header: string | undefined): PathStat {
  const answer: unknown = JSON.parse(Buffer.from(header ?? "", "base64").toString() || "{}");
  return {
    size: number(answer, "size"),
    mode: number(answer, "mode"),
    linkTarget: text(answer, "linkTarget"),
  };
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function text(value: unknown, key: string): string {
  const found = member(value, key);
  return typeof found === "string" ? found : "";
}

function number(value: unknown, key: string): number {
  const found = member(value, key);
  return typeof found === "number" ? found : 0;
}
