// Sessions over every kind of link that this package has.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import {
  memorySessionArena,
  sessionCompliance,
  socketSessionArena,
  type SessionArena,
} from "@holdfast/net/compliance";

sessionCompliance("memory", memorySessionArena, { describe, it });
sessionCompliance("tcp", () => socketSessionArena(), { describe, it });
sessionCompliance("unix", unixArena, { describe, it });

async function unixArena(): Promise<SessionArena> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-session-"));
  const arena = await socketSessionArena({ path: join(folder, "peer") });
  return {
    ...arena,
    async close() {
      await arena.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
