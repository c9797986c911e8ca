// The plugin `docker`: containers of Docker and podman, by their engine's socket.
import { existsSync } from "node:fs";
import { presets, type Clock } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { ownEnvironment } from "../children.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { DockerBackend } from "./backend.ts";
import { findEngine } from "./engine/address.ts";
import { Engine } from "./engine/engine.ts";
import { NO_REVERSE_FORWARD } from "./machine.ts";
import { dockerOptions, targetOf } from "./options.ts";

export interface DockerPluginSettings {
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * `docker://NAME` is a container that exists: it is waited for, never started. `docker+run://IMAGE` is one of our own,
 * made once. Options: `socket`, `rm` (`true` removes our own at the end), `network`, `user`.
 *
 * What a container can do depends on what is in it. Without `sh` there are no shell lines, no signals, and of files
 * only what the archive API can do. Connections need perl, python3, socat or nc; with the last two, an end of the far
 * side ends both directions. What is missing is refused as `unsupported`.
 */
export function docker({ clock = systemClock }: DockerPluginSettings = {}): Plugin {
  return {
    name: "docker",
    schemes: ["docker", "docker+run"],
    abilities: {
      processes: true,
      terminals: true,
      signals: true,
      forward: true,
      reverse_forward: NO_REVERSE_FORWARD,
      files: true,
      system_info: true,
    },
    preset: presets["distant-docker"],
    health: { intervalMs: 5_000, timeoutMs: 10_000, failures: 3 },
    open: (destination, context) => {
      const options = dockerOptions(context.options);
      const { target, user } = targetOf(destination);
      const address = findEngine({
        socket: options.socket,
        dockerHost: context.environment.DOCKER_HOST,
        runtimeFolder: ownEnvironment()["XDG_RUNTIME_DIR"],
        exists: existsSync,
      });
      const engine = new Engine({ address, clock });
      return new DockerBackend({ engine, target, user: options.user ?? user, options, context, clock });
    },
  };
}
