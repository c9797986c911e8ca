// Programs on a machine by the built command: their streams, their end and their signals are as if they ran here.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { build, makeHome, run, PATIENCE, type Finished } from "./command.ts";
import { startBytes, type RawRun } from "./raw-command.ts";

// A test is a dozen processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });
beforeAll(build, 120_000);

const BULK_BYTES = 50_000_000;

async function connected(): Promise<string> {
  const home = await makeHome();
  const { code, stderr } = await run(["connect", "host://localhost", "--name", "here"], { home });
  expect(code, stderr).toBe(0);
  return home;
}

async function exec(home: string, args: readonly string[], input?: string): Promise<Finished> {
  return run(["exec", ...args], { home, input: input ?? "" });
}

async function until(condition: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  await vi.waitFor(async () => expect(await condition(), what()).toBe(true), PATIENCE);
}

describe("exec", () => {
  test("stdout, stderr and the exit code are the program's, and no shell looks at its arguments", async () => {
    const home = await connected();
    const said = await exec(home, ["--", "sh", "-c", 'echo "$1"; echo oops >&2; exit 7', "sh", "a  $HOME *"]);
    expect(said).toEqual({ code: 7, stdout: "a  $HOME *\n", stderr: "oops\n" });
    expect(await exec(home, ["here", "--line", "echo $((1 + 2)) | cat"])).toMatchObject({ stdout: "3\n" });
    expect(await exec(home, ["--", "cat"], "from stdin\n")).toMatchObject({
      code: 0,
      stdout: "from stdin\n",
    });
    expect(await exec(home, ["-n", "--", "cat"], "not read")).toMatchObject({ code: 0, stdout: "" });
    const place = ["--directory", "/", "--env", "A=1,2", "--env", "B=x y=z", "--"];
    expect((await exec(home, [...place, "sh", "-c", "pwd; echo $A; echo $B"])).stdout).toBe(
      "/\n1,2\nx y=z\n",
    );
  });

  test("a signal is 128 + n, a program that is not there 127, a failure of ours 255, wrong usage 2", async () => {
    const home = await connected();
    expect((await exec(home, ["--", "sh", "-c", "kill -TERM $$"])).code).toBe(143);
    expect(await exec(home, ["--", "no-such-program"])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining("no-such-program") as string,
    });
    expect(await exec(home, ["nobody", "--", "true"])).toMatchObject({
      code: 255,
      stderr: expect.stringContaining('there is no connection "nobody"') as string,
    });
    expect(await exec(home, ["ls"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("put -- before it, as in: holdfast exec -- ls") as string,
    });
    expect((await exec(home, ["--line", "true", "--", "true"])).code).toBe(2);
    expect((await exec(home, ["--env", "novalue", "--", "true"])).code).toBe(2);
  });

  test("50 MB of any bytes pass both ways, whole", async () => {
    const home = await connected();
    const file = join(home, "bulk");
    const bytes = randomBytes(BULK_BYTES);
    await writeFile(file, bytes);
    const expected = createHash("sha256").update(bytes).digest("hex");
    const there = startBytes(["exec", "--", "sha256sum"], home);
    createReadStream(file).pipe(there.child.stdin);
    expect((await there.finished).stdout.toString()).toBe(`${expected}  -\n`);
    const back = startBytes(["exec", "-n", "--", "cat", file], home);
    const { code, stdout, stderr } = await back.finished;
    expect({ code, stderr: stderr.toString() }).toEqual({ code: 0, stderr: "" });
    expect(createHash("sha256").update(stdout).digest("hex")).toBe(expected);
  });

  test("a reader that takes its time gets everything, and holds the program up meanwhile", async () => {
    const home = await connected();
    const progress = join(home, "progress");
    // 64 MB is more than every buffer on the way.
    const line = `head -c 64000000 /dev/zero; echo through > ${progress}`;
    const slow = startBytes(["exec", "-n", "--line", line], home, { paused: true });
    await until(
      () => slow.child.stdout.readableLength > 0,
      () => "nothing came",
    );
    expect(await readFile(progress, "utf8").catch(() => "not yet")).toBe("not yet");
    slow.read();
    const { code, stdout } = await slow.finished;
    expect({ code, length: stdout.length }).toEqual({ code: 0, length: 64_000_000 });
    expect(await readFile(progress, "utf8")).toBe("through\n");
  });

  test("a reader that goes away ends the program as it would here", async () => {
    const home = await connected();
    const endless = startBytes(["exec", "-n", "--", "yes"], home);
    await until(
      () => endless.bytes > 0,
      () => "nothing came",
    );
    endless.child.stdout.destroy();
    expect((await endless.finished).code).toBe(141);
  });

  test("with --json the bytes, the events and the end are objects", async () => {
    const home = await connected();
    const { code, stdout } = await exec(home, ["--json", "--", "sh", "-c", "printf 'a\\377'; exit 3"]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    expect(code).toBe(3);
    expect(lines.slice(1)).toEqual([
      { type: "proc_spawned", id: 1 },
      { type: "proc_stdout", id: 1, data: [0x61, 0xff] },
      { type: "proc_done", id: 1, success: false, code: 3 },
    ]);
  });
});

describe("signals", () => {
  /** A program that says which signals it gets, and ends when it is told to by stdin. */
  const LISTENER =
    "trap 'echo got INT' INT; trap 'echo got TERM' TERM; trap 'echo got HUP' HUP; echo ready; " +
    "while ! read -t 1 line; do :; done; exit 9";

  async function listening(): Promise<RawRun> {
    const program = startBytes(["exec", "--", "bash", "-c", LISTENER], await connected());
    await program.says("ready");
    return program;
  }

  test("INT, TERM and HUP reach the program, which decides", async () => {
    const program = await listening();
    for (const name of ["INT", "TERM", "HUP"] as const) {
      program.child.kill(`SIG${name}`);
      await program.says(`got ${name}`);
    }
    program.child.stdin.end("enough\n");
    expect((await program.finished).code).toBe(9);
  });

  test("a program that ends by one is 128 + n", async () => {
    const program = startBytes(["exec", "--", "sh", "-c", "echo ready; exec sleep 600"], await connected());
    await program.says("ready");
    program.child.kill("SIGTERM");
    expect((await program.finished).code).toBe(143);
  });

  test("whoever asks three times is not made to wait", async () => {
    const program = await listening();
    for (const text of ["got INT", "got INT"]) {
      program.child.kill("SIGINT");
      await program.says(text);
    }
    program.child.kill("SIGINT");
    expect((await program.finished).code).toBe(130);
  });
});
