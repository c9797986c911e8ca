// Wrong usage is exit 2, and says what to do; help and version need nothing.
import { chmod, readFile, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { outputLine } from "@holdfast/control/schemas";
import { commands } from "../src/commands.ts";
import { VERSION } from "../src/version.ts";
import { build, makeHome, run, start } from "./command.ts";

beforeAll(build, 120_000);

test("--version is the version of the package", async () => {
  const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
  const home = await makeHome();
  expect(await run(["--version"], { home })).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: "" });
});

test("without a command there is help; under npm start there is the demo", async () => {
  const home = await makeHome();
  const help = await run([], { home });
  expect(help.code).toBe(0);
  for (const { name, summary } of commands) {
    expect(help.stdout).toContain(summary);
    const own = await run([name, "--help"], { home });
    expect(own).toMatchObject({ code: 0, stderr: "" });
    expect(own.stdout).toContain(`Usage: holdfast ${name}`);
  }
  const npm = { npm_lifecycle_event: "start", npm_package_name: "holdfast-workspace" };
  const demo = start([], { home, env: npm });
  await demo.says(/listening at/);
  expect((await demo.stop("SIGINT")).stdout).toContain("OUTAGE");
  expect((await run(["list"], { home, env: npm })).stderr).toBe("nothing is running\n");
});

describe("a mistake is exit 2, named, with a hint where there is one", () => {
  const cases: readonly (readonly [line: string, says: RegExp])[] = [
    ["lst", /there is no command lst\n {2}did you mean list\?/],
    ["frobnicate", /there is no command frobnicate\n {2}holdfast --help/],
    ["--quiet list", /options come after the command/],
    ["list --jsn", /unknown option '--jsn'\n {2}did you mean --json\?/],
    ["list extra", /too many arguments: "extra" is one too many/],
    ["wait one two", /too many arguments: "two" is one too many/],
    ["expose 3000 --port x", /--port: expected a port from 1 to 65535, or 0 for any free one, not "x"/],
    ["expose 3000 --secret=", /--secret is empty/],
    ["expose 3000 --secret-file /nowhere", /cannot read the secret in \/nowhere: there is no such file/],
    ["expose 3000 --secret-file /", /cannot read the secret in \/: it is a folder/],
    ["expose", /missing required argument 'target'/],
    ["expose 70000", /target "70000": expected a port from 1 to 65535/],
    ["expose nonsense:x", /expected a port, host:port or unix:\/path/],
    ["expose 3000 --port 1,2", /--port names 2 ports for 1 target/],
    [
      "expose 3000 --relay https://example.com",
      /expected a URL that begins with holdfast:\/\/, wss:\/\/, ws:\/\/ or bore:\/\//,
    ],
    ["expose 3000 --max-reconnect-delay 500ms", /--max-reconnect-delay: expected a duration of at least 1s/],
    ["expose 3000 --dial-timeout 5", /expected a duration with its unit, such as 500ms, 8s or 2m, not "5"/],
    ["expose 3000 --max-attempts 0", /expected a whole number of at least 1/],
    ["expose 3000 --secret s --secret-file -", /the secret is given twice/],
    ["relay --ports 9-3", /expected a range of ports/],
    ["relay --bore-port 0 --bind 0.0.0.0", /without a secret would let everybody in.*\n.*--anonymous/],
    ["wait x --for happy", /expected one of connecting, connected/],
    ["completion tcsh", /there is no completion for tcsh, only for bash, zsh, fish/],
    ["reconnect nobody", /nothing is running/],
  ];
  test.for(cases)("holdfast %s", async ([line, says]) => {
    const home = await makeHome();
    const { code, stdout, stderr } = await run(line.split(" "), { home, input: "" });
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/\n +at /);
    expect(stdout).toBe("");
    expect(code).toBe(line.startsWith("reconnect") ? 1 : 2);
  });
});

test("with --json a mistake is hello and an error", async () => {
  const home = await makeHome();
  const { code, stdout } = await run(["expose", "3000", "--json", "--dial-timeout", "x"], { home });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => outputLine.parse(JSON.parse(line)));
  expect(lines).toMatchObject([
    { type: "hello", command: "expose" },
    { type: "error", code: "usage", retryable: false },
  ]);
  expect(code).toBe(2);
});

describe("settings", () => {
  const mistakes: readonly (readonly [toml: string, says: RegExp])[] = [
    ["dial_timeout = 5", /dial_timeout in .*config\.toml: expected a duration with its unit/],
    ["[expose]\ndial_timout = '5s'", /\[expose\] has no key dial_timout\n {2}did you mean dial_timeout\?/],
    ["[relay]\nbind = 1\n[exposee]\n", /no command \[exposee\]\n {2}did you mean expose\?/],
    ["jsn = true", /no key jsn\n {2}did you mean json\?/],
    ["= 3", /is not TOML/],
    ["port = 8000", /port means another thing to each command\n {2}put it under \[relay\] or \[expose\]/],
    ["[expose]\nport = 'x'", /port in .*config\.toml: expected a port/],
  ];
  test.for(mistakes)("a mistake in the file is named: %s", async ([toml, says]) => {
    const home = await makeHome();
    await writeFile(join(home, "config.toml"), toml, { mode: 0o600 });
    const { code, stderr } = await run(["expose", "3000"], { home });
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
  });

  test("a flag wins over the environment, that over the table, that over the top of the file", async () => {
    const home = await makeHome();
    const toml =
      "max_attempts = 9\nmax_reconnect_delay = '3s'\n[doctor]\nmax_attempts = 8\ngive_up_after = '7m'";
    await writeFile(join(home, "config.toml"), toml, { mode: 0o600 });
    const env = { HOLDFAST_GIVE_UP_AFTER: "6m", HOLDFAST_DIAL_TIMEOUT: "5s", HOLDFAST_MAX_ATTEMPTS: "" };
    const { stdout } = await run(["doctor", "--dial-timeout", "4s"], { home, env });
    expect(stdout).toMatch(/2\.0 s, 3\.0 s, 3\.0 s/);
    expect(stdout).toMatch(/gives up after 8 failures in a row or 6 min without a link/);
    expect(stdout).toMatch(/a dial after 4\.0 s/);
  });

  test.each([
    ["relay", "HOLDFAST_RELAY_PORT", /HOLDFAST_RELAY_PORT: expected a port/],
    ["expose", "HOLDFAST_EXPOSE_PORT", /HOLDFAST_EXPOSE_PORT: expected a port/],
    ["relay", "HOLDFAST_PORT", /HOLDFAST_PORT is set.*\n.*set HOLDFAST_RELAY_PORT/],
    ["expose", "HOLDFAST_PORT", /HOLDFAST_PORT is set.*\n.*set HOLDFAST_EXPOSE_PORT/],
  ])("--port of %s has a variable of its own (%s)", async (command, variable, says) => {
    const home = await makeHome();
    const words = command === "expose" ? ["expose", "3000"] : ["relay"];
    const { code, stderr } = await run(words, { home, env: { [variable]: "http" } });
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
  });

  test("a named file must be there; one that others can write, or with a readable secret, is refused", async () => {
    const home = await makeHome();
    const path = join(home, "own.toml");
    const check = async (): Promise<string> => {
      const { code, stderr } = await run(["list"], { home, env: { HOLDFAST_CONFIG: path } });
      return `${code} ${stderr}`;
    };
    expect(await check()).toMatch(/^2 .*there is no such file/);
    await writeFile(path, "[expose]\nsecret = 's'");
    await chmod(path, 0o644);
    expect(await check()).toMatch(/^2 .*holds a secret and others can read it\n.*chmod 600/);
    await chmod(path, 0o622);
    expect(await check()).toMatch(/^2 .*others can write/);
    await chmod(path, 0o600);
    expect(await check()).toMatch(/^0 nothing is running/);
  });
});

test("completion has no objects to print", async () => {
  const home = await makeHome();
  const { code, stdout } = await run(["completion", "bash", "--json"], { home });
  expect(code).toBe(2);
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => outputLine.parse(JSON.parse(line)).type),
  ).toEqual(["hello", "error"]);
});

test("completion scripts are scripts, and know commands and flags", async () => {
  const home = await makeHome();
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await run(["completion", shell], { home });
    expect(code).toBe(0);
    expect(stdout).toMatch(/expose[^]*max-reconnect-delay/);
    const { status, error, stderr } = spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" });
    if (error !== undefined)
      process.stderr.write(`skipped: ${shell} is not installed, so its script was not checked\n`);
    else expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }
  const { stdout } = await run(["completion", "bash"], { home });
  const script = `${stdout}\nCOMP_WORDS=(holdfast exp); COMP_CWORD=1; _holdfast; echo "\${COMPREPLY[@]}"`;
  expect(spawnSync("bash", ["-c", script], { encoding: "utf8" }).stdout).toBe("expose\n");
});
