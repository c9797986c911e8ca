// What a daemon is to its clients, in this process: a control socket that is called `daemon`, and can crash or stop.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openControl, timestamp, type ControlHost, type ControlOptions } from "@holdfast/control";

export const VERSION = "1.2.3";

export async function runtimeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-client-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "run");
}

export interface FakeDaemon {
  readonly host: ControlHost;
  /** Without a word. */
  crash(): Promise<void>;
  /** As `holdfast daemon stop`. */
  stop(): Promise<void>;
}

export async function fakeDaemon(folder: string, options: Partial<ControlOptions> = {}): Promise<FakeDaemon> {
  const host = await openControl({
    command: "daemon",
    version: VERSION,
    runtimeFolder: folder,
    ...options,
  });
  onTestFinished(() => host.close());
  let state: "running" | "stopping" = "running";
  const item = host.add({
    kind: "daemon",
    name: "daemon",
    status: () => ({
      state,
      since: timestamp(0),
      connections: 0,
      forwards: 0,
      session_socket: join(folder, "machines.sock"),
      log_file: null,
    }),
  });
  const stop = async (): Promise<void> => {
    state = "stopping";
    item.changed();
    await host.close();
  };
  return { host, crash: () => host.close(), stop };
}
