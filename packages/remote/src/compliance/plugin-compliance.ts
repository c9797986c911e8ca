// What every plugin has to do, as a list of cases. A new plugin is a folder, an arena, and one line that runs these.
import type { ComplianceCase, Runner } from "@holdfast/net/compliance";
import type { Ability, Plugin } from "../plugin/plugin.ts";
import { dialCases } from "./dial-cases.ts";
import { fileCases } from "./file-cases.ts";
import { linkCases } from "./link-cases.ts";
import { networkCases } from "./network-cases.ts";
import { onStage } from "./plugin-arena.ts";
import type { PluginArena } from "./plugin-arena.ts";
import type { PluginCase, PluginExceptions } from "./plugin-case.ts";
import { processCases } from "./process-cases.ts";
import { signalCases, terminalCases } from "./terminal-cases.ts";
import { undeclaredCase } from "./undeclared.ts";

const declaredCases: readonly PluginCase[] = [
  ...processCases,
  ...terminalCases,
  ...signalCases,
  ...networkCases,
  ...fileCases,
  ...linkCases,
];

/** What of a plugin is known before a machine is reached. */
export type Declared = Pick<Plugin, "abilities">;

/** All cases for a plugin. `make` gives a fresh arena for each. */
export function pluginCases(
  { abilities }: Declared,
  make: () => Promise<PluginArena>,
  exceptions: PluginExceptions = {},
): readonly ComplianceCase[] {
  const inArena = (run: (arena: PluginArena) => Promise<void>) => async (): Promise<void> => {
    const arena = await make();
    try {
      await run(arena);
    } finally {
      await arena.cleanUp();
    }
  };
  const undeclared = Object.entries(abilities).flatMap(([ability, why]) => {
    return why === true ? [] : [undeclaredCase(ability as Ability, why, abilities.processes === true)];
  });
  return [
    ...dialCases.map(({ name, run }) => ({ name, skip: undefined, run: inArena(run) })),
    ...[...declaredCases, ...undeclared].map((one) => ({
      name: one.name,
      skip: reasonToSkip(one, abilities, exceptions),
      run: inArena((arena) => onStage(arena, one.run)),
    })),
  ];
}

/**
 * Register all cases with a test runner: `pluginCompliance("host", host, make, { describe, it })`.
 * What cannot be checked is skipped, and the reason is part of the test's name.
 */
export function pluginCompliance(
  name: string,
  declared: Declared,
  make: () => Promise<PluginArena>,
  runner: Runner,
  exceptions: PluginExceptions = {},
): void {
  runner.describe(`${name} complies`, () => {
    for (const { name: caseName, skip, run } of pluginCases(declared, make, exceptions)) {
      if (skip === undefined) runner.it(caseName, run);
      else runner.it.skip(`${caseName} (skipped: ${skip})`, run);
    }
  });
}

function reasonToSkip(
  { abilities: wanted, needs }: PluginCase,
  abilities: Plugin["abilities"],
  exceptions: PluginExceptions,
): string | undefined {
  for (const ability of wanted) {
    const declared = abilities[ability];
    if (declared !== true) return declared;
  }
  return needs === undefined ? undefined : exceptions[needs];
}
