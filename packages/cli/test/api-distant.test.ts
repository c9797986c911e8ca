// examples/distant.mjs in the place of distant's binary, called as distant.nvim calls it.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { OddServer } from "../../remote/test/ssh/odd-server.ts";
import { build, makeHome, PATIENCE, run, Running } from "./command.ts";

// Each starts many processes, perhaps on a machine that does much else.
vi.setConfig({ testTimeout: 180_000 });
beforeAll(build, 120_000);

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface World {
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
}

function distant(args: readonly string[], { home, env = {} }: World): Running {
  const bin = join(root, "packages/cli/dist/main.js");
  const own = { PATH: process.env["PATH"], HOME: home, HOLDFAST_HOME: home, HOLDFAST_BIN: bin, ...env };
  return new Running(
    spawn(process.execPath, [join(root, "examples/distant.mjs"), ...args], { env: own, cwd: home }),
  );
}

/** Run it to its end: one object on stdout, as the plugin wants it. */
async function answer(args: readonly string[], world: World): Promise<unknown> {
  const { code, stdout, stderr } = await distant(args, world).finished;
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

async function makeWorld(): Promise<World> {
  const home = await makeHome();
  onTestFinished(async () => void (await run(["daemon", "stop"], { home })));
  return { home };
}

function likeTheEditor(
  { type, methods }: { type: string; methods?: string[] },
  password: string,
): object | undefined {
  if (type === "auth_initialization") return { type: "auth_initialization_response", methods };
  return type === "auth_challenge" ? { type: "auth_challenge_response", answers: [password] } : undefined;
}

describe("examples/distant.mjs", () => {
  test("has a version that the plugin takes", async () => {
    const { stdout } = await distant(["--version"], await makeWorld()).finished;
    expect(stdout).toBe("distant 0.20.0\n");
  });

  test("connects, lists, shows, serves requests, spawns and ends", async () => {
    const world = await makeWorld();
    const where = ["--unix-socket", "/nowhere", "--format", "json"];
    const connected = await answer(["connect", "host://localhost", "--options", "", ...where], world);
    expect(connected).toEqual({ type: "connected", id: 2 });
    expect(await answer(["manager", "list", ...where], world)).toEqual({ 2: "host://localhost" });
    expect(await answer(["manager", "info", "2", ...where], world)).toEqual({
      id: 2,
      destination: "host://localhost",
      options: "",
    });
    const api = distant(["api", "--connection", "2", "--timeout", "15", "--unix-socket", "/nowhere"], world);
    api.child.stdin?.end('{"header":{},"id":"9","payload":{"path":"/","type":"exists"}}\n');
    const { stdout, stderr } = await api.finished;
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
      stderr,
    ).toEqual([
      { type: "auth_finished" },
      { id: "1", origin_id: "9", payload: { type: "exists", value: true } },
    ]);
    const spawned = ["spawn", "--connection", "2", "--environment", 'A="b c",', "--current-dir", "/"];
    const far = await distant([...spawned, "--", "echo $A; pwd; exit 5"], world).finished;
    expect(far).toMatchObject({ code: 5, stdout: "b c\n/\n" });
    expect(await answer(["manager", "kill", "2", ...where], world)).toEqual({ type: "ok" });
    expect(await answer(["manager", "list", ...where], world)).toEqual({});
  });

  test("says that there is no manager", async () => {
    const { code } = await distant(["manager", "list"], await makeWorld()).finished;
    expect(code).toBe(1);
  });

  test("asks the editor for a password while it connects, and says so if that does not help", async () => {
    const server = await OddServer.start({
      authenticate: (context) => {
        if (context.method === "password" && context.password === "right") context.accept();
        else context.reject(["password"]);
      },
    });
    const { home } = await makeWorld();
    const world = { home, env: { HOLDFAST_SSH_CONFIG: server.path("ssh_config") } };
    const options = `user_known_hosts_files="${join(home, "known_hosts")}",`;
    const connect = async (password: string): Promise<Running> => {
      const to = `ssh://me@127.0.0.1:${server.port}`;
      const running = distant(["launch", to, "--format", "json", "--options", options], world);
      let seen = 0;
      running.child.stdout?.on("data", () => {
        const lines = running.stdout.split("\n").slice(0, -1);
        for (const line of lines.slice(seen)) {
          const back = likeTheEditor(JSON.parse(line) as { type: string; methods?: string[] }, password);
          if (back !== undefined) running.child.stdin?.write(`${JSON.stringify(back)}\n`);
        }
        seen = lines.length;
      });
      return running;
    };
    const wrong = await (await connect("wrong")).finished;
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/not connected|password|refused/);
    const right = await (await connect("right")).finished;
    expect(right.code, right.stderr).toBe(0);
    const last = right.stdout.trim().split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toMatchObject({ type: "launched", id: expect.any(Number) });
    await expect.poll(() => server.clients.length, PATIENCE).toBeGreaterThan(0);
  });
});
