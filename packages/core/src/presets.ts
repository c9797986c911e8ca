// The schedules of the projects that Holdfast replaces, exactly, for those who need their numbers. The default
// is ours and has no name. Only the pacing floor stays in force under a preset.
import type { Policy } from "./config.ts";

export type PresetName =
  | "dev-tunnels"
  | "bore"
  | "distant-host"
  | "distant-ssh"
  | "distant-docker"
  | "moq"
  | "moq-main"
  | "strike48";

/** Policies by the name of the project whose delays they reproduce. */
export const presets: Readonly<Record<PresetName, Policy>> = {
  /** 1, 2, 4, 8, 13, 13 s; the loss itself takes the first. (Dev Tunnels `connect_persistent`.) */
  "dev-tunnels": {
    backoff: {
      initialMs: 1_000,
      factor: 2,
      maxMs: 13_000,
      jitter: { kind: "none" },
      firstRetry: "schedule",
      resetOn: "connect",
    },
  },
  /** 1 s × 2 to 64 s, ±25 % after the cap. (bore's reconnect pull request.) */
  bore: {
    backoff: {
      initialMs: 1_000,
      factor: 2,
      maxMs: 64_000,
      jitter: { kind: "proportional", ratio: 0.25 },
      firstRetry: "schedule",
      resetOn: "connect",
    },
  },
  /** Three tries, 2 s × 2 to 30 s, 60 s each; the first at once. (distant, `host`.) */
  "distant-host": {
    backoff: { initialMs: 2_000, factor: 2, maxMs: 30_000, jitter: { kind: "none" }, firstRetry: "at_once" },
    maxAttempts: 3,
    dialTimeoutMs: 60_000,
  },
  /** Five tries, 2 s × 2 to 30 s, 30 s each; the first at once. (distant, `ssh`.) */
  "distant-ssh": {
    backoff: { initialMs: 2_000, factor: 2, maxMs: 30_000, jitter: { kind: "none" }, firstRetry: "at_once" },
    maxAttempts: 5,
    dialTimeoutMs: 30_000,
  },
  /** Ten tries, 1 s × 2 to 60 s, 30 s each; the first at once. (distant, `docker`.) */
  "distant-docker": {
    backoff: { initialMs: 1_000, factor: 2, maxMs: 60_000, jitter: { kind: "none" }, firstRetry: "at_once" },
    maxAttempts: 10,
    dialTimeoutMs: 30_000,
  },
  /** 1 s × 2 to 30 s for five minutes; a link that lived a second was healthy. (MoQ's `Reconnect`.) */
  moq: {
    backoff: { initialMs: 1_000, factor: 2, maxMs: 30_000, jitter: { kind: "none" }, firstRetry: "schedule" },
    stableAfterMs: 1_000,
    giveUpAfterMs: 300_000,
  },
  /** 1 s × 2 to 5 s, half of it random, for ten seconds. (MoQ, later.) */
  "moq-main": {
    backoff: { initialMs: 1_000, factor: 2, maxMs: 5_000, jitter: { kind: "equal" }, firstRetry: "schedule" },
    stableAfterMs: 1_000,
    giveUpAfterMs: 10_000,
  },
  /** 500 ms × 2 to 60 s, up to 500 ms added below the cap. (Strike48's runner.) */
  strike48: {
    backoff: {
      initialMs: 500,
      factor: 2,
      maxMs: 60_000,
      jitter: { kind: "additive", ms: 500, beforeCap: true },
      firstRetry: "schedule",
      resetOn: "connect",
    },
  },
};
