import { describe, it } from "vitest";
import { memoryArena, tcpArena, transportCompliance, unixArena } from "@holdfast/net/compliance";

transportCompliance("tcp", tcpArena, { describe, it });
transportCompliance(
  "unix",
  unixArena,
  { describe, it },
  { silence: "a unix socket connects or refuses at once" },
);
transportCompliance("memory", () => memoryArena(), { describe, it });
transportCompliance("memory with a latency", () => memoryArena(3), { describe, it });
