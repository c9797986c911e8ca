// What the command does with its streams: where they lead, and what happens when they take nothing any more.
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { build, makeHome, run, start } from "./command.ts";

beforeAll(build, 120_000);

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

test("each of several targets is named where it listens, a single one is not", async () => {
  const home = await makeHome();
  const both = start(["expose", "1", "unix:/nowhere/app.sock"], { home });
  await both.says(/^listening at 127\.0\.0\.1:\d+ for localhost:1$/m);
  await both.says(/^listening at 127\.0\.0\.1:\d+ for unix:\/nowhere\/app\.sock$/m);
  await both.stop();
});

test.runIf(process.platform === "linux")("a full disk is exit 1 and says so", async () => {
  const home = await makeHome();
  for (const line of ["--help", "completion bash", "doctor", "list --json", "expose --help"]) {
    const { status, stderr } = spawnSync(
      "sh",
      ["-c", `exec "$0" "$1" ${line} > /dev/full`, process.execPath, main],
      {
        env: { PATH: process.env["PATH"], HOLDFAST_HOME: home },
        encoding: "utf8",
      },
    );
    expect({ line, status, stderr }).toEqual({
      line,
      status: 1,
      stderr: expect.stringContaining("error: cannot write to stdout: no space is left\n") as string,
    });
  }
});

test("a reader that goes away is no failure", async () => {
  const home = await makeHome();
  const { stdout, stderr } = spawnSync(
    "bash",
    ["--norc", "-c", `"$0" "$1" --help | true; echo "\${PIPESTATUS[0]}"`, process.execPath, main],
    {
      env: { PATH: process.env["PATH"], HOLDFAST_HOME: home },
      encoding: "utf8",
    },
  );
  expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
});

/** Starts the command on a terminal of its own, takes that away once it listens, and prints how it ended. */
const HANG_UP = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while b"listening at" not in seen:
    seen += os.read(terminal, 4096)
os.close(terminal)
_, status = os.waitpid(pid, 0)
print("signal", os.WTERMSIG(status)) if os.WIFSIGNALED(status) else print("exit", os.WEXITSTATUS(status))
`;
const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;
if (!hasPython) process.stderr.write("skipped: python3 is not installed, so no terminal was hung up\n");

test.runIf(hasPython)("a terminal that is gone ends the command, and does not abort it", async () => {
  const home = await makeHome();
  const { stdout, stderr } = spawnSync("python3", ["-c", HANG_UP, process.execPath, main, "expose", "1"], {
    env: { PATH: process.env["PATH"], HOLDFAST_HOME: home, TERM: "xterm" },
    encoding: "utf8",
    timeout: 20_000,
  });
  expect({ stdout, stderr }).toEqual({ stdout: "exit 0\n", stderr: "" });
});

test("a secret on the command line wins over the environment, that over the file; twice at once is a mistake", async () => {
  const home = await makeHome();
  const [right, toml] = [join(home, "secret"), join(home, "config.toml")];
  await writeFile(right, "right\n", { mode: 0o600 });
  const relay = start(["relay", "--port", "0", "--bore-port", "0", "--secret-file", right, "--json"], {
    home,
    env: { HOLDFAST_SECRET: "wrong" },
  });
  const url = (await relay.line("ready")).addresses[1]!;
  const asked = (args: readonly string[], env: Record<string, string>): ReturnType<typeof run> =>
    run(["doctor", "--relay", url, ...args], { home, env });
  expect((await asked(["--secret-file", right], { HOLDFAST_SECRET: "wrong" })).code).toBe(0);
  expect((await asked([], { HOLDFAST_SECRET: "wrong" })).code).toBe(1);
  await writeFile(toml, "secret_file = '/nowhere'", { mode: 0o600 });
  expect((await asked([], { HOLDFAST_SECRET: "right" })).code).toBe(0);
  const twice = await asked([], { HOLDFAST_SECRET: "right", HOLDFAST_SECRET_FILE: right });
  expect(twice).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/the secret is given twice: HOLDFAST_SECRET and HOLDFAST_SECRET_FILE/),
  });
});
