// The generated documents are those that are committed.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { commands } from "../src/commands.ts";
import { cliPage } from "../src/docs/cli-page.ts";
import { jsonPage } from "../src/docs/json-page.ts";

const stale = "it is out of date: run node packages/cli/dist/docs/write.js after npm run build";

test("docs/cli.md", async () => {
  const all = await Promise.all(commands.map((command) => command.load()));
  expect(await readFile(new URL("../../../docs/cli.md", import.meta.url), "utf8"), stale).toBe(cliPage(all));
});

test("docs/json.md", async () => {
  expect(await readFile(new URL("../../../docs/json.md", import.meta.url), "utf8"), stale).toBe(jsonPage());
});

test("the list of commands says what the commands say, and each has two examples of itself", async () => {
  for (const listed of commands) {
    const command = await listed.load();
    expect(command).toMatchObject({ name: listed.name, summary: listed.summary });
    expect(command.examples).toHaveLength(2);
    for (const { line } of command.examples)
      expect(line).toMatch(new RegExp(`^holdfast ${listed.name}( |$)`));
  }
});
