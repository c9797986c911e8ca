// The container of a connection: one that exists and is never touched, or ours, which carries the connection's label,
// is started when it is stopped, and is made once.
import { createHash } from "node:crypto";
import { HoldfastError } from "@holdfast/core";
import type { Engine } from "../engine/engine.ts";
import type { ContainerState } from "../engine/types.ts";
import type { PluginContext } from "../../plugin/plugin.ts";
import type { Target } from "../options.ts";
import type { ImagePulls } from "./image-pulls.ts";

export interface FindOptions {
  readonly engine: Engine;
  readonly target: Target;
  readonly network: string | undefined;
  readonly context: PluginContext;
  readonly pulls: ImagePulls;
  readonly signal: AbortSignal;
}

/** The key of `PluginContext.memory`: the id of the last container that was reached. */
const MEMORY_KEY = "container";
const LABEL = "holdfast.connection";
const PLAIN_ID = /^[A-Za-z0-9_.-]{1,100}$/;

export function labelOf(connectionId: string): string {
  return `${LABEL}=${connectionId}`;
}

/**
 * A container that runs.
 * @throws HoldfastError `container_stopped`, `container_paused` (transient), `container_gone`, `no_such_container`,
 * `image_unavailable`, and what the engine says.
 */
export async function findContainer(options: FindOptions): Promise<ContainerState> {
  const { target, context } = options;
  const found =
    "container" in target ? await existing(options, target.container) : await own(options, target.image);
  if (!found.running) throw notRunning(found, "image" in target);
  if (found.paused) throw paused(found);
  context.memory.set(MEMORY_KEY, found.id);
  return found;
}

/** A second look at one that was found. */
export function notRunning({ name }: ContainerState, ours: boolean): HoldfastError {
  const message = `container ${name} is stopped`;
  const waited = `start it (docker start ${name}): the connection notices`;
  const hint = ours ? "its image's program ends by itself; use an image that keeps running" : waited;
  return new HoldfastError({ code: "container_stopped", message, hint, fault: "peer" });
}

export function paused({ name }: ContainerState): HoldfastError {
  const hint = `unpause it (docker unpause ${name}): the connection notices`;
  return new HoldfastError({
    code: "container_paused",
    message: `container ${name} is paused`,
    hint,
    fault: "peer",
  });
}

async function existing({ engine, context, signal }: FindOptions, name: string): Promise<ContainerState> {
  try {
    return await engine.inspect(name, signal);
  } catch (thrown) {
    if (!isCode(thrown, "not_found")) throw thrown;
    const message = `there is no container ${name}`;
    // One that was reached before may be on its way: many tools remove a container and make it again.
    const known = context.memory.has(MEMORY_KEY);
    const hint = known
      ? "it is waited for"
      : "docker ps --all lists those that exist; docker+run://IMAGE makes one";
    const details = { code: "no_such_container", message, hint, fault: "peer", cause: thrown } as const;
    throw new HoldfastError({ ...details, kind: known ? "transient" : "fatal" });
  }
}

async function own(options: FindOptions, image: string): Promise<ContainerState> {
  const { engine, context, signal } = options;
  const id = (await labelled(options)) ?? (await make(options, image));
  // Known from now on, even if this dial fails: there is to be no second one.
  context.memory.set(MEMORY_KEY, id);
  const found = await engine.inspect(id, signal);
  if (found.running) return found;
  await engine.startContainer(id, signal);
  return engine.inspect(id, signal);
}

async function labelled({ engine, context, signal }: FindOptions): Promise<string | undefined> {
  const [first, ...others] = await engine.labelled(labelOf(context.connectionId), signal);
  if (others.length > 0)
    context.warn(`${others.length + 1} containers have this connection's label; the oldest is used`);
  return first;
}

async function make(options: FindOptions, image: string): Promise<string> {
  const { engine, context, network, pulls, signal } = options;
  const { connectionId, memory } = context;
  if (memory.has(MEMORY_KEY)) {
    const message = "the container of this connection was removed by somebody, with what was in it";
    const hint = "connect anew to make another one";
    throw new HoldfastError({ code: "container_gone", message, hint, kind: "fatal", fault: "peer" });
  }
  const wanted = { name: nameOf(connectionId), image, network, labels: { [LABEL]: connectionId } };
  try {
    return await engine.create(wanted, signal);
  } catch (thrown) {
    // A dial that was given up may have made it after all: the name keeps it from being made twice.
    if (isCode(thrown, "conflict") || isCode(thrown, "engine_failed")) {
      const made = await labelled(options);
      if (made !== undefined) return made;
    }
    if (!isCode(thrown, "not_found")) throw thrown;
  }
  await pulls.pull(image, signal);
  return engine.create(wanted, signal);
}

function nameOf(connectionId: string): string {
  const plain = PLAIN_ID.test(connectionId);
  return `holdfast-${plain ? connectionId : createHash("sha256").update(connectionId).digest("hex").slice(0, 32)}`;
}

function isCode(thrown: unknown, code: string): boolean {
  return thrown instanceof HoldfastError && thrown.code === code;
}
