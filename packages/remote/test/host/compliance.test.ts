// The plugin for this machine passes the suite.
import { describe, it } from "vitest";
import { pluginCompliance } from "../../src/compliance/index.ts";
import { hostPlugin } from "../../src/host/host-plugin.ts";
import { hostArena } from "./arena.ts";

pluginCompliance(
  "host",
  hostPlugin(),
  hostArena,
  { describe, it },
  { cut: "nothing lies between this process and its own machine" },
);
