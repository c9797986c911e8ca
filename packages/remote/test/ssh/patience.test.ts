// A person takes time to answer: no deadline of a dial, and no keepalive, runs against them.
import { systemClock } from "@holdfast/net";
import type { AuthContext } from "ssh2";
import { expect, it, onTestFinished } from "vitest";
import { openConnection, pluginRegistry } from "../../src/index.ts";
import type { Interaction } from "../../src/index.ts";
import { sshPlugin } from "../../src/ssh/ssh-plugin.ts";
import { OddServer } from "./odd-server.ts";

const DIAL_MS = 300;

const passwordAndCode = (context: AuthContext): void => {
  if (context.method === "password" && context.password === "right") {
    context.reject(["keyboard-interactive"], true);
  } else if (context.method === "keyboard-interactive") {
    context.prompt([{ prompt: "Code: ", echo: false }], (codes) =>
      codes[0] === "right" ? context.accept() : context.reject(["keyboard-interactive"]),
    );
  } else context.reject(["password"]);
};

it("a dial waits for a password and for a code for longer than a dial may take", async () => {
  const server = await OddServer.start({ authenticate: passwordAndCode });
  const { options, memory } = server.context({ heartbeat_interval_ms: "100", max_heartbeat_failures: "1" });
  const states: string[] = [];
  const thinking: Interaction = {
    attended: true,
    ask: () => new Promise((answer) => systemClock.timer(() => answer(["right"])).set(3 * DIAL_MS)),
    confirm: () => Promise.resolve(true),
  };
  const connection = await openConnection({
    plugins: pluginRegistry([sshPlugin]),
    destination: `ssh://me@127.0.0.1:${server.port}`,
    id: "1",
    options,
    memory,
    policy: { dialTimeoutMs: DIAL_MS },
    interaction: thinking,
  });
  onTestFinished(() => connection.close());
  const watched = (async () => {
    for await (const { state } of connection.changes()) {
      if (states.at(-1) !== state) states.push(state);
      if (state === "connected") return;
    }
  })();
  const machine = await connection.machine({ waitMs: 20_000 });
  await machine.ping();
  await watched;
  expect(server.clients).toHaveLength(1);
  expect(states[0]).toBe("connecting");
  expect(states).toContain("auth_required");
  expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
});
