// The README's table of what each plugin supports says what the plugins say of themselves.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { docker, holdfastPlugin, hostPlugin, launchPlugin, livenessTimeoutMs, sshPlugin } from "../index.ts";
import type { Ability, Plugin } from "../index.ts";

const ROWS: Readonly<Record<Ability, string>> = {
  processes: "processes: exit code, environment, directory",
  terminals: "terminals: resize",
  signals: "signals",
  forward: "forwards from here (`-L`, `-D`)",
  reverse_forward: "forwards from there (`-R`)",
  files: "files: read, write, stat, list, make, remove, rename, exists",
  system_info: "system info",
};

function tableOf(plugins: readonly Plugin[]): readonly (readonly string[])[] {
  const schemes = plugins.map((plugin) => plugin.schemes.map((scheme) => `\`${scheme}://\``).join(", "));
  const health = plugins.map(({ health: check }) => {
    const dead =
      check.failures === 0
        ? `${livenessTimeoutMs(check) / 1_000} s of silence`
        : `${check.failures} without an answer in ${check.timeoutMs / 1_000} s`;
    return `every ${check.intervalMs / 1_000} s; dead after ${dead}`;
  });
  const abilities = Object.entries(ROWS).map(([ability, text]) => [
    text,
    ...plugins.map((plugin) => (plugin.abilities[ability as Ability] === true ? "yes" : "no")),
  ]);
  return [
    ["", ...plugins.map(({ name }) => name)],
    ["destination", ...schemes],
    ...abilities,
    ["health check", ...health],
  ];
}

/** The cells of the table below a heading. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const readme = readFileSync(new URL("../../../../README.md", import.meta.url), "utf8");
  const [, after = ""] = readme.split(`\n${heading}\n`);
  const rows =
    after
      .split("\n#", 1)[0]
      ?.split("\n")
      .filter((line) => line.startsWith("|")) ?? [];
  return rows
    .filter((row) => !/^[|\s-]+$/.test(row))
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

it("the table of the README is that of the plugins", () => {
  const [host, ssh] = [hostPlugin(), sshPlugin];
  const access = (): never => {
    throw new Error("nobody connects here");
  };
  const native = holdfastPlugin({ access });
  const plugins = [host, ssh, docker(), native, launchPlugin({ through: [host, ssh] })];
  expect(tableBelow("### What each plugin supports")).toEqual(tableOf(plugins));
});

it("what a plugin cannot do is a sentence", () => {
  for (const plugin of [hostPlugin(), sshPlugin, docker()]) {
    for (const able of Object.values(plugin.abilities))
      if (able !== true) expect(able).toMatch(/\w+ \w+ \w+/);
  }
});
