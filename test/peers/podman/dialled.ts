// A link of the docker plugin to a podman of the test's own.
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { recordAttempt, type RecordedAttempt } from "../../../packages/net/src/compliance/index.ts";
import { docker } from "../../../packages/remote/src/docker/docker-plugin.ts";
import { parseDestination } from "../../../packages/remote/src/plugin/destination.ts";
import { UNATTENDED } from "../../../packages/remote/src/plugin/interaction.ts";
import type { Machine } from "../../../packages/remote/src/plugin/machine.ts";
import type { Backend, PluginContext } from "../../../packages/remote/src/plugin/plugin.ts";
import type { PodmanService } from "../../../acceptance/harness/podman-service.ts";

export interface LinkOptions {
  readonly image?: string;
  readonly options?: Readonly<Record<string, string>>;
}

export interface Opened {
  readonly backend: Backend;
  readonly context: PluginContext;
  /** How often the line was woken. */
  readonly woken: () => number;
}

export interface Dialled extends Opened {
  readonly machine: Machine;
  readonly attempt: RecordedAttempt;
}

export interface Linked extends Dialled {
  readonly name: string;
}

/** Disposed of at the end of the test. */
export async function opened(
  podman: PodmanService,
  destination: string,
  { options }: LinkOptions = {},
): Promise<Opened> {
  let wakes = 0;
  const context: PluginContext = {
    connectionId: randomUUID(),
    environment: { DOCKER_HOST: `unix://${podman.socket}` },
    options: { ...options },
    memory: new Map(),
    wake: () => void (wakes += 1),
    warn: () => undefined,
  };
  const backend = await docker().open(parseDestination(destination), context);
  onTestFinished(() => backend.dispose());
  return { backend, context, woken: () => wakes };
}

export async function dialled(
  podman: PodmanService,
  destination: string,
  options: LinkOptions = {},
): Promise<Dialled> {
  const made = await opened(podman, destination, options);
  const attempt = recordAttempt();
  const machine = await made.backend.dial(attempt, UNATTENDED);
  onTestFinished(() => machine.close());
  return { ...made, machine, attempt };
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
