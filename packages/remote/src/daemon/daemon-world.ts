// What the parts of a daemon share.
import type { Clock, Random } from "@holdfast/core";
import type { WakeSource } from "@holdfast/net";
import type { ControlHost } from "@holdfast/control";
import type { PluginRegistry } from "../connection/registry.ts";
import type { DaemonLimits, DaemonLog } from "./daemon.ts";
import type { Questions } from "./questions.ts";

export interface DaemonWorld {
  readonly plugins: PluginRegistry;
  readonly limits: DaemonLimits;
  readonly questions: Questions;
  readonly wakes: readonly WakeSource[];
  readonly clock: Clock;
  readonly random: Random | undefined;
  /** Show something new. */
  readonly add: ControlHost["add"];
  /** Something changed that is kept on disk. */
  readonly touch: () => void;
  readonly log: (record: DaemonLog) => void;
}
