// What a plugin says that it cannot do, it refuses, with its reason; it never pretends.
import type { Machine } from "../plugin/machine.ts";
import type { Ability } from "../plugin/plugin.ts";
import { demand, failure, soon } from "./demands.ts";
import type { PluginCase } from "./plugin-case.ts";

/** One request for each ability; `signals` and `terminals` only where there are processes. */
const requests: Readonly<Record<Ability, (machine: Machine) => Promise<unknown>>> = {
  processes: (machine) => machine.start({ command: ["true"] }),
  terminals: (machine) => machine.start({ command: ["true"], terminal: { rows: 24, columns: 80 } }),
  signals: async (machine) => {
    const process = await soon(machine.start({ command: ["sleep", "5"] }), "a process");
    await process.signal("TERM");
  },
  forward: (machine) => machine.connectTcp("127.0.0.1", 9),
  reverse_forward: (machine) => machine.listenTcp("127.0.0.1", 0, (stream) => void stream.destroy()),
  files: (machine) => machine.files.stat("/"),
  system_info: (machine) => machine.systemInfo(),
};

/** The cases for an ability that is declared as a sentence. */
export function undeclaredCase(ability: Ability, why: string, processes: boolean): PluginCase {
  return {
    name: `${ability} is refused, since it is not declared`,
    abilities: [],
    run: async ({ machine }) => {
      demand(why.trim().includes(" "), `the reason ${JSON.stringify(why)} is no sentence`);
      if (ability === "signals" && !processes) return;
      const error = await failure(requests[ability](machine), "unsupported", ability);
      demand(error.kind === "fatal", `it is ${error.kind}, not fatal`);
    },
  };
}
