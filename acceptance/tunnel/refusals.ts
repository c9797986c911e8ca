// Failures that no retry can mend: fast, typed, and with a sentence that helps.
import assert from "node:assert/strict";
import type { Act } from "../harness/run.ts";
import { echoService, silentService } from "../harness/service.ts";
import { startRelay } from "../harness/relay.ts";

const expose = (port: number, ...args: readonly string[]): string[] => [
  "expose",
  "3000",
  "--relay",
  `bore://127.0.0.1:${port}`,
  "--json",
  ...args,
];

export const refusals: readonly Act[] = [
  {
    name: "a wrong secret ends at once",
    play: async (scene) => {
      const relay = await startRelay(scene, { env: { HOLDFAST_SECRET: "right" } });
      const command = await scene.run(expose(relay.borePort, "--secret", "wrong"));
      assert.equal(command.end?.code, 3, command.stderr);
      assert.ok(command.end.afterMs < 1_000, `took ${command.end.afterMs} ms`);
      const { line } = await command.line("error");
      assert.match(line.message, /secret/i);
      assert.match(`${line.message} ${line.hint}`, /HOLDFAST_SECRET|--secret/);
      assert.equal(line.retryable, false);
      assert.doesNotMatch(command.stderr + JSON.stringify(line), /\bwrong\b/, "the secret is in the output");
      return `exit 3 after ${command.end.afterMs.toFixed(0)} ms`;
    },
  },
  {
    name: "a secret against an open relay ends",
    play: async (scene) => {
      const relay = await startRelay(scene);
      const command = await scene.run(expose(relay.borePort), { HOLDFAST_SECRET: "right" });
      assert.equal(command.end?.code, 3, command.stderr);
      assert.ok(command.end.afterMs < 4_000, `took ${command.end.afterMs} ms`);
      return `exit 3 after ${command.end.afterMs.toFixed(0)} ms`;
    },
  },
  {
    name: "a port outside the range ends at once",
    play: async (scene) => {
      const relay = await startRelay(scene);
      const command = await scene.run(expose(relay.borePort, "--port", "1025"));
      assert.equal(command.end?.code, 3, command.stderr);
      return `exit 3 after ${command.end.afterMs.toFixed(0)} ms`;
    },
  },
  {
    name: "a silent server is given up after the dial timeout",
    play: async (scene) => {
      const port = await silentService(scene);
      const command = await scene.run(expose(port, "--no-reconnect", "--dial-timeout", "2s"));
      assert.equal(command.end?.code, 1, command.stderr);
      const { afterMs } = command.end;
      assert.ok(afterMs >= 2_000 && afterMs <= 3_000, `took ${afterMs} ms`);
      return `exit 1 after ${afterMs.toFixed(0)} ms`;
    },
  },
  {
    name: "wrong usage is said before anything is tried",
    play: async (scene) => {
      const port = await echoService(scene);
      for (const args of [
        expose(port, "--max-reconnect-delay", "500ms"),
        expose(port, "--dial-timeout", "soon"),
        ["expose", "nowhere:at:all"],
        ["expsoe", "3000"],
        ["expose", "3000", "--relay", "gopher://127.0.0.1"],
      ]) {
        const command = await scene.run(args);
        assert.equal(command.end?.code, 2, `${args.join(" ")}: exit ${command.end?.code} ${command.stderr}`);
      }
      return "exit 2, five times";
    },
  },
];
