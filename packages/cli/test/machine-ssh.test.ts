// `holdfast ssh`: a connection for as long as a command takes, or the one that is there already.
import type { ConnectionEntry } from "@holdfast/control";
import { beforeAll, expect, test, vi } from "vitest";
import { build, makeHome, run, PATIENCE } from "./command.ts";
import { onTerminal } from "./on-terminal.ts";
import { MAIN } from "./raw-command.ts";

// A test is a dozen processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });
beforeAll(build, 120_000);

const HERE = "host://localhost";

async function connections(home: string): Promise<readonly ConnectionEntry[]> {
  const { stdout } = await run(["list", "--json"], { home });
  const lines = stdout.trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as ConnectionEntry | { readonly type: "hello" })
    .filter((line) => line.type === "connection");
}

test("it runs a program there, and what was made for it ends with it", async () => {
  const home = await makeHome();
  const ran = await run(["ssh", HERE, "--env", "A=b", "--", "sh", "-c", "cat; echo $A $0; exit 5", "c d"], {
    home,
    input: "in\n",
  });
  expect(ran).toMatchObject({ code: 5, stdout: "in\nb c d\n" });
  await vi.waitFor(async () => expect(await connections(home)).toEqual([]), PATIENCE);
});

test("a connection that is there is used, and stays", async () => {
  const home = await makeHome();
  expect((await run(["connect", HERE, "--name", "here"], { home })).code).toBe(0);
  expect((await run(["ssh", HERE, "--", "true"], { home })).code).toBe(0);
  // One word is a line, as with OpenSSH.
  expect(await run(["ssh", HERE, "--", "echo aha | tr a o; exit 3"], { home })).toMatchObject({
    code: 3,
    stdout: "oho\n",
  });
  expect(await connections(home)).toMatchObject([{ name: "here", kept: true, state: "connected" }]);
});

test("without a program it is a shell: on a terminal with one, else with its commands from stdin", async () => {
  const home = await makeHome();
  const input = "tty >/dev/null || echo no terminal\nexit 4\n";
  expect(await run(["ssh", HERE], { home, input })).toMatchObject({ code: 4, stdout: "no terminal\n" });
  const line = `'${process.execPath}' '${MAIN}' ssh ${HERE}; echo "code $?"`;
  const terminal = await onTerminal(line, { home });
  terminal.type("tty >/dev/null && echo has a term''inal; exit 3\r");
  await terminal.shows(/has a terminal\r+\n/);
  await terminal.shows(/code 3\r/);
});

test("a far side that is not there is 255, a destination that is none 2", async () => {
  const home = await makeHome();
  expect(await run(["ssh", "holdfast://127.0.0.1:1", "--", "true"], { home })).toMatchObject({
    code: 255,
    stderr: expect.stringContaining("refused the connection") as string,
  });
  expect((await run(["ssh", "ssh://-oProxyCommand=x", "--", "true"], { home })).code).toBe(2);
  expect((await run(["ssh", HERE, "--"], { home })).code).toBe(2);
});
