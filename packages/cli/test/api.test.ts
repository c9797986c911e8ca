// The built command as an editor's: lines in, lines out, over what happens to the daemon and the connection meanwhile.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { outputLine } from "@holdfast/control/schemas";
import type { OutputLine } from "@holdfast/control";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { answerLine, type AnswerLine, type AnswerPayload } from "../../remote/test/api/answer-schema.ts";
import { OddServer, type Authenticate } from "../../remote/test/ssh/odd-server.ts";
import { build, makeHome, PATIENCE, run, start, type Running } from "./command.ts";

// Each starts several processes, perhaps on a machine that does much else.
vi.setConfig({ testTimeout: 120_000 });
beforeAll(build, 120_000);

/** A home with a daemon, which the test ends. */
async function homeWithDaemon(): Promise<string> {
  const home = await makeHome();
  onTestFinished(async () => void (await run(["daemon", "stop"], { home })));
  return home;
}

async function homeWithThisMachine(): Promise<string> {
  const home = await homeWithDaemon();
  const { code, stderr } = await run(["connect", "host://localhost", "--name", "here"], { home });
  expect(code, stderr).toBe(0);
  return home;
}

type Line = AnswerLine | OutputLine;

class Editor {
  readonly running: Running;
  #nextId = 0;

  constructor(home: string, args: readonly string[] = []) {
    this.running = start(["api", ...args], { home });
  }

  /** Every line so far, each checked against the schemas. */
  get lines(): readonly Line[] {
    const whole = this.running.stdout.split("\n").slice(0, -1);
    return whole.map((line) => {
      const value: unknown = JSON.parse(line);
      return typeof value === "object" && value !== null && "type" in value
        ? outputLine.parse(value)
        : answerLine.parse(value);
    });
  }

  async until<T extends Line>(fits: (line: Line) => line is T): Promise<T> {
    return vi.waitFor(() => {
      const line = this.lines.find(fits);
      if (line === undefined) throw new Error(`not yet in ${this.running.stdout}\n${this.running.stderr}`);
      return line;
    }, PATIENCE);
  }

  async says<T extends OutputLine["type"]>(
    type: T,
    fits: (line: Extract<OutputLine, { type: T }>) => boolean = () => true,
  ): Promise<Extract<OutputLine, { type: T }>> {
    type Wanted = Extract<OutputLine, { type: T }>;
    return this.until((line): line is Wanted => "type" in line && line.type === type && fits(line as Wanted));
  }

  write(message: object): void {
    this.running.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  async ask(payload: object): Promise<AnswerLine["payload"]> {
    const id = `editor-${(this.#nextId += 1)}`;
    this.write({ id, payload });
    const isAnswer = (line: Line): line is AnswerLine => "origin_id" in line && line.origin_id === id;
    return (await this.until(isAnswer)).payload;
  }

  async get<T extends AnswerPayload["type"]>(
    type: T,
    payload: object,
  ): Promise<Extract<AnswerPayload, { type: T }>> {
    const answer = await this.ask(payload);
    if (!Array.isArray(answer) && answer.type === type) return answer as Extract<AnswerPayload, { type: T }>;
    throw new Error(`not ${type}: ${JSON.stringify(answer)}`);
  }

  async notice<T extends AnswerPayload["type"]>(type: T): Promise<Extract<AnswerPayload, { type: T }>> {
    const isNotice = (line: Line): line is AnswerLine =>
      "payload" in line && "type" in line.payload && line.payload.type === type;
    return (await this.until(isNotice)).payload as Extract<AnswerPayload, { type: T }>;
  }
}

describe("holdfast api", () => {
  test("answers what a pipe asks, and ends with it", async () => {
    const home = await homeWithThisMachine();
    const input = [
      { id: "a", payload: { type: "file_write_text", path: join(home, "file"), text: "text" } },
      { id: "b", payload: { type: "proc_spawn", cmd: "echo out; cat; exit 7" } },
    ];
    const lines = `${input.map((one) => JSON.stringify(one)).join("\n")}\nnonsense`;
    const { code, stdout, stderr } = await run(["api", "here"], { home, input: lines });
    expect(code, stderr).toBe(0);
    const [first, ...rest] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    expect(first).toEqual({ type: "auth_finished" });
    expect(rest).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: "error", code: "bad_json" }),
        expect.objectContaining({ origin_id: "a", payload: { type: "ok" } }),
        expect.objectContaining({ origin_id: "b", payload: { type: "proc_spawned", id: 1 } }),
        expect.objectContaining({ payload: { type: "proc_stdout", id: 1, data: [...Buffer.from("out\n")] } }),
      ]),
    );
    expect(rest.at(-1)).toMatchObject({ payload: { type: "proc_done", id: 1, success: false, code: 7 } });
    expect(await readFile(join(home, "file"), "utf8")).toBe("text");
  });

  test("begins with hello if it is asked to, and takes the names of distant's editors", async () => {
    const home = await homeWithThisMachine();
    const list = await run(["list", "--json"], { home });
    const entry = list.stdout.split("\n").find((line) => line.includes('"type":"connection"')) ?? "{}";
    const { id } = JSON.parse(entry) as { id: number };
    const editor = new Editor(home, ["--connection", String(id), "--json"]);
    await editor.says("auth_finished");
    expect(editor.lines.map((line) => ("type" in line ? line.type : ""))).toEqual(["hello", "auth_finished"]);
    expect(await editor.ask({ type: "version" })).toMatchObject({
      capabilities: ["exec", "fs_io", "fs_perm", "sys_info", "tcp_tunnel", "tcp_rev_tunnel"],
    });
    const { code } = await editor.running.stop("SIGTERM");
    expect(code).toBe(0);
  });

  test("carries much, both ways, without a loss", async () => {
    const home = await homeWithThisMachine();
    const editor = new Editor(home);
    const bytes = Array.from({ length: 3_000_000 }, (_, index) => index % 256);
    const { id } = await editor.get("proc_spawned", { type: "proc_spawn", cmd: "cat" });
    for (let at = 0; at < bytes.length; at += 100_000) {
      editor.write({ id: "in", payload: { type: "proc_stdin", id, data: bytes.slice(at, at + 100_000) } });
    }
    editor.running.child.stdin?.end();
    const { code, stderr } = await editor.running.finished;
    expect(code, stderr).toBe(0);
    const out = editor.lines.flatMap((line) =>
      "payload" in line && !Array.isArray(line.payload) && line.payload.type === "proc_stdout"
        ? [line.payload.data]
        : [],
    );
    expect(Buffer.concat(out.map((one) => Buffer.from(one))).equals(Buffer.from(bytes))).toBe(true);
  });

  test("goes on when its daemon is killed: what ran says that nobody knows, what is asked next is answered", async () => {
    const home = await homeWithThisMachine();
    const editor = new Editor(home);
    const { pid } = editor.running;
    await editor.get("proc_spawned", { type: "proc_spawn", cmd: "echo up; exec sleep 1000" });
    await editor.notice("proc_stdout");
    const { port } = await editor.get("tunnel_listening", {
      type: "tunnel_listen",
      host: "127.0.0.1",
      port: 0,
    });
    const { stdout } = await run(["daemon", "status", "--json"], { home });
    const { pid: daemon } = JSON.parse(
      stdout.split("\n").find((line) => line.includes('"type":"daemon"')) ?? "{}",
    ) as {
      pid: number;
    };
    process.kill(daemon, "SIGKILL");
    expect(await editor.notice("proc_done")).toMatchObject({
      success: false,
      code: 255,
      error: { kind: "interrupted", may_have_run: true },
    });
    expect(await editor.ask({ type: "system_info" })).toMatchObject({ type: "system_info" });
    expect(editor.running.child.exitCode).toBe(null);
    expect(editor.running.pid).toBe(pid);
    await vi.waitFor(async () => {
      const list = await editor.get("status_info", { type: "status" });
      expect(list.tunnels).toMatchObject([{ direction: "reverse", port }]);
      await editor.get("tunnel_opened", { type: "tunnel_open", host: "127.0.0.1", port });
    }, PATIENCE);
    editor.running.child.stdin?.end();
    expect((await editor.running.finished).code).toBe(0);
    // The daemon that was killed had no chance to remove its socket.
    const { unlink } = await import("node:fs/promises");
    await unlink(join(home, "run", `daemon-${daemon}.sock`)).catch(() => undefined);
  });

  test("tells what becomes of its connection, and ends with it", async () => {
    const home = await homeWithThisMachine();
    const editor = new Editor(home);
    await editor.says("auth_finished");
    await run(["reconnect", "here"], { home });
    await editor.says("event", ({ event }) => event.type === "connection_state" && event.epoch === 2);
    await run(["disconnect", "here"], { home });
    await editor.says("event", ({ event }) => event.type === "connection_removed");
    const { code, stderr } = await editor.running.finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/the connection here was ended/);
    expect(editor.lines.at(-1)).toMatchObject({ type: "error", code: "disconnected" });
  });

  test("says on both outputs that there is no such connection", async () => {
    const home = await homeWithThisMachine();
    const { code, stdout, stderr } = await run(["api", "nowhere"], { home });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ type: "error", code: "unknown_connection" });
    expect(stderr).toContain('there is no connection "nowhere"');
  });

  test("ends, with what it started, when nobody reads it any more", async () => {
    const home = await homeWithThisMachine();
    const editor = new Editor(home);
    await editor.get("proc_spawned", { type: "proc_spawn", cmd: "echo $$; exec cat >/dev/null" });
    const { data } = await editor.notice("proc_stdout");
    const pid = Number(Buffer.from(data).toString());
    editor.running.child.stdout?.destroy();
    editor.write({ id: "x", payload: { type: "status" } });
    expect((await editor.running.finished).code).toBe(0);
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), PATIENCE);
  });
});

describe("holdfast api, of a connection that asks", () => {
  /** A connection to this server, made with nobody there. */
  async function unattended(server: OddServer): Promise<string> {
    const home = await homeWithDaemon();
    const known = join(home, "known_hosts");
    await writeFile(known, "", { mode: 0o600 });
    const where = ["-F", server.path("ssh_config"), "--known-hosts", known, "--host-key", "ask"];
    const made = await run(
      ["connect", `ssh://me@127.0.0.1:${server.port}`, "--background", "--name", "there", ...where],
      { home },
    );
    expect(made.code, made.stderr).toBe(0);
    await run(["wait", "there", "--for", "auth_required", "--timeout", "20s"], { home });
    return home;
  }

  const takesPassword: Authenticate = (context) => {
    if (context.method === "password" && context.password === "right") context.accept();
    else context.reject(["password"]);
  };

  test("asks by lines, and welcomes requests when it was answered", async () => {
    const server = await OddServer.start({ authenticate: takesPassword });
    const home = await unattended(server);
    const editor = new Editor(home);
    const { methods } = await editor.says("auth_initialization");
    editor.write({ type: "auth_initialization_response", methods });
    const { text } = await editor.says("auth_verification");
    expect(text).toContain("SHA256:");
    editor.write({ type: "auth_verification_response", valid: true });
    const { questions } = await editor.says("auth_challenge");
    expect(questions).toMatchObject([
      { text: expect.stringContaining("password"), extra: { echo: "false" } },
    ]);
    expect(editor.running.stdout).not.toContain("auth_finished");
    editor.write({ type: "auth_challenge_response", answers: ["right"] });
    await editor.says("auth_finished");
    await editor.says(
      "event",
      ({ event }) => event.type === "connection_state" && event.state === "connected",
    );
    expect(`${editor.running.stdout}${editor.running.stderr}`).not.toContain('"right"');
    expect((await editor.running.stop()).code).toBe(0);
  });

  test("says that it was not answered, and then what is asked is refused", async () => {
    const server = await OddServer.start({ authenticate: takesPassword });
    const home = await unattended(server);
    const editor = new Editor(home);
    const { methods } = await editor.says("auth_initialization");
    editor.write({ type: "auth_initialization_response", methods });
    await editor.says("auth_verification");
    editor.write({ type: "auth_verification_response", valid: false });
    await editor.says("auth_error");
    await editor.says("auth_finished");
    expect(await editor.ask({ type: "exists", path: "/" })).toMatchObject({
      type: "error",
      kind: "not_connected",
    });
    expect((await editor.running.stop()).code).toBe(0);
  });
});
