// A server of ours where there was none: started for one connection, through the links of another plugin, by the built
// command. test/peers has the same through OpenSSH.
import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { PATIENCE, build, makeHome, run, start } from "./command.ts";

beforeAll(build, 120_000);
vi.setConfig({ testTimeout: 60_000 });

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** A home with a program in it that is `holdfast` on the far side, and whose daemon ends with the test. */
async function makeClient(): Promise<{ home: string; program: string }> {
  const home = await makeHome();
  const program = join(home, "holdfast");
  const script = `#!/bin/sh\nHOLDFAST_HOME="${home}" exec "${process.execPath}" "${main}" "$@"\n`;
  await writeFile(program, script);
  await chmod(program, 0o700);
  onTestFinished(async () => {
    await run(["disconnect", "there"], { home });
    await run(["daemon", "stop"], { home });
    await vi.waitFor(async () => expect(await servers(home)).toEqual([]), PATIENCE);
  });
  return { home, program };
}

/** The processes of servers, by their sockets. */
async function servers(home: string): Promise<number[]> {
  const sockets = await readdir(join(home, "run"));
  return sockets.flatMap((name) => (/^serve-\d+\.sock$/.test(name) ? [Number(name.slice(6, -5))] : []));
}

test("it starts a server for one connection, which ends with it, and nothing secret is on a command line", async () => {
  const { home, program } = await makeClient();
  const launched = await run(
    ["launch", "host://localhost", "--holdfast", program, "--name", "there", "--json"],
    { home },
  );
  expect(launched.code, launched.stderr).toBe(0);
  expect(launched.stdout).toContain('"plugin":"launch"');
  const [pid = 0] = await servers(home);
  const ran = await run(["exec", "there", "--", "sh", "-c", "ps -o args= -p $PPID; exit 3"], { home });
  expect(ran.code, ran.stderr).toBe(3);
  // It runs in the server, which was told its secret on stdin.
  expect(ran.stdout).toMatch(/main\.js serve .*--secret-file -/);
  expect(ran.stdout).not.toMatch(/[0-9a-f]{64}/);
  const entry = await run(["status", String(`${pid}/1`), "--json"], { home });
  expect(entry.stdout).toContain('"secret_required":true');
  expect((await run(["disconnect", "there"], { home })).code).toBe(0);
  await vi.waitFor(async () => expect(await servers(home)).toEqual([]), PATIENCE);
});

test("after a restart of the daemon another server is started, because no secret was kept", async () => {
  const { home, program } = await makeClient();
  const args = ["launch", "host://localhost", "--holdfast", program, "--name", "there"];
  expect((await run(args, { home })).code).toBe(0);
  const [first] = await servers(home);
  expect((await run(["daemon", "restart"], { home })).code).toBe(0);
  const back = await run(["wait", "there", "--timeout", "60s", "--json"], { home });
  expect(back.code, back.stderr).toBe(0);
  await vi.waitFor(async () => {
    const now = await servers(home);
    expect(now).toHaveLength(1);
    expect(now).not.toContain(first);
  }, PATIENCE);
}, 90_000);

test("what cannot be launched is said", async () => {
  const { home } = await makeClient();
  const wrong = await run(["launch", "holdfast://server"], { home });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/launch takes ssh:\/\/ and docker:\/\//);
  const missing = await run(["launch", "host://localhost", "--holdfast", "/nowhere/holdfast"], { home });
  expect(missing.code).toBe(1);
  expect(missing.stderr).toMatch(/there is no program/);
  const odd = await run(["launch", "host://localhost", "--holdfast", "-x"], { home });
  expect(odd.code).not.toBe(0);
});

test("--detach returns when the server listens, or says why it does not", async () => {
  const { home } = await makeClient();
  const detached = await run(["serve", "--detach", "--port", "0", "--name", "there", "--json"], { home });
  expect(detached.code, detached.stderr).toBe(0);
  const ready = start(["list", "--json"], { home });
  const entry = await ready.line("server");
  expect(detached.stdout).toContain(`"pid":${entry.pid}`);
  expect(detached.stdout).toContain(entry.address);
  const { port } = new URL(entry.address);
  const taken = await run(["serve", "--detach", "--port", port], { home });
  expect(taken.code).toBe(1);
  expect(taken.stderr).toMatch(/in use/);
  await run(["disconnect", "there"], { home });
  await vi.waitFor(() => expect(() => process.kill(entry.pid, 0)).toThrow("ESRCH"), PATIENCE);
});
