// The plugin `holdfast` passes the suite: this machine, through a session. The cut is one that no session survives: the
// server is gone, and another one in its place.
import { tcp } from "@holdfast/net/node";
import { describe, it } from "vitest";
import { pluginCompliance } from "../../src/compliance/index.ts";
import { holdfastPlugin } from "../../src/native/index.ts";
import { startServer, type Server } from "./stage.ts";

const plugin = holdfastPlugin({ access: (server) => ({ dial: tcp(server) }) });

pluginCompliance(
  "holdfast",
  plugin,
  async () => {
    let server: Server = await startServer();
    const { port } = server;
    return {
      plugin,
      destination: `holdfast://127.0.0.1:${port}`,
      async cut() {
        await server.close();
      },
      async restore() {
        server = await startServer({ port });
      },
      cleanUp: () => server.close(),
    };
  },
  { describe, it },
);
