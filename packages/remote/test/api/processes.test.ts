// Processes by lines: what they say, how they end, and in which order.
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { hostClient, PATIENCE, type Client } from "./client.ts";

let home: string;
let client: Client;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "hf-api-")));
  ({ client } = await hostClient(home));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
});

/** Start it, and give its id. */
async function spawn(cmd: string, more: object = {}): Promise<number> {
  return (await client.get("proc_spawned", { type: "proc_spawn", cmd, ...more })).id;
}

const bytes = (text: string): number[] => [...Buffer.from(text)];

describe("a process by lines", () => {
  it("says what it says, then how it ended, all by the id of its request", async () => {
    const origin = client.send({ type: "proc_spawn", cmd: "echo out; echo err >&2; exit 3" });
    const done = await client.next("proc_done");
    expect(done).toEqual({ type: "proc_done", id: done.id, success: false, code: 3 });
    expect(client.lines.every(({ origin_id }) => origin_id === origin)).toBe(true);
    expect(client.lines[0]?.payload).toEqual({ type: "proc_spawned", id: done.id });
    expect(client.said("proc_stdout")).toEqual([{ type: "proc_stdout", id: done.id, data: bytes("out\n") }]);
    expect(client.said("proc_stderr")).toEqual([{ type: "proc_stderr", id: done.id, data: bytes("err\n") }]);
    expect(client.lines.at(-1)?.payload).toEqual(done);
  });

  it("is never done before the last of its output, however slow the reader is", async () => {
    const order: string[] = [];
    let slow: () => void = () => undefined;
    const { client: reader } = await hostClient(home, {
      send: async (line) => {
        const { payload } = JSON.parse(line) as { payload: { type: string; data?: number[] } };
        order.push(payload.type);
        if (payload.type === "proc_stdout") await new Promise<void>((resolve) => (slow = resolve));
      },
    });
    reader.send({ type: "proc_spawn", cmd: "head -c 300000 /dev/zero" });
    await vi.waitFor(() => {
      slow();
      expect(order.at(-1)).toBe("proc_done");
    }, PATIENCE);
    expect(order.indexOf("proc_done")).toBe(order.length - 1);
    expect(order.filter((type) => type === "proc_stdout").length).toBeGreaterThan(1);
  });

  it("gets its input in the order of the lines, and its end if it is told", async () => {
    const id = await spawn("cat");
    const lines = Array.from({ length: 500 }, (_, index) => `line ${index}\n`);
    for (const line of lines) client.send({ type: "proc_stdin", id, data: bytes(line) });
    expect(await client.ask({ type: "proc_stdin", id, data: [], end: true })).toEqual({ type: "ok" });
    expect(await client.next("proc_done")).toEqual({ type: "proc_done", id, success: true, code: 0 });
    expect(client.stdoutOf(id)).toBe(lines.join(""));
    expect(await client.ask({ type: "proc_stdin", id, data: [1] })).toMatchObject({ kind: "not_found" });
  });

  it("that is killed has no code", async () => {
    const id = await spawn("exec sleep 1000");
    expect(await client.ask({ type: "proc_kill", id })).toEqual({ type: "ok" });
    expect(await client.next("proc_done")).toEqual({ type: "proc_done", id, success: false });
    expect(await client.ask({ type: "proc_kill", id })).toMatchObject({ kind: "not_found" });
  });

  it("that reads nothing takes no input beyond the limit, and answers what it took", async () => {
    const { client: small } = await hostClient(home, { limits: { inputBytes: 1_000_000 } });
    const { id } = await small.get("proc_spawned", { type: "proc_spawn", cmd: "exec sleep 1000" });
    const data = Array.from({ length: 900_000 }, () => 0);
    small.send({ type: "proc_stdin", id, data });
    expect(await small.ask({ type: "proc_stdin", id, data })).toMatchObject({
      kind: "would_block",
    });
    await small.get("ok", { type: "proc_kill", id });
    // What it never took is told, too.
    await small.until(
      ({ origin_id, payload }) =>
        origin_id === "request-2" && "kind" in payload && payload.kind === "broken_pipe",
    );
  });

  it("has the directory and the variables of its request, as a map or as distant.nvim writes them", async () => {
    const current_dir = join(home, "..");
    const environments = [{ A: "b c", D: '"' }, ',A="b c",D="\\""'];
    for (const environment of environments) {
      const id = await spawn('printf %s "$A$D$PWD"', { environment, current_dir, pty: null });
      await client.next("proc_done", (done) => done.id === id);
      expect(client.stdoutOf(id)).toBe(`b c"${await realpath(current_dir)}`);
    }
  });

  it("has a terminal of the size that is asked for, which can be changed", async () => {
    const id = await spawn("stty size; read line; stty size", {
      pty: { rows: 10, cols: 20, pixel_width: 0 },
    });
    await vi.waitFor(() => expect(client.stdoutOf(id)).toContain("10 20"), PATIENCE);
    await client.get("ok", { type: "proc_resize_pty", id, size: "30,40" });
    await client.get("ok", { type: "proc_stdin", id, data: bytes("\r") });
    await client.next("proc_done", (done) => done.id === id);
    expect(client.stdoutOf(id)).toContain("30 40");
    const plain = await spawn("exec sleep 1000");
    expect(await client.ask({ type: "proc_resize_pty", id: plain, size: "1,1" })).toMatchObject({
      kind: "invalid_input",
    });
  });

  it("that cannot be started is an error", async () => {
    expect(await client.ask({ type: "proc_spawn", cmd: "true", current_dir: "none" })).toMatchObject({
      kind: "not_found",
    });
    expect(await client.ask({ type: "proc_spawn", cmd: "true", environment: { "a b": "" } })).toMatchObject({
      kind: "invalid_input",
    });
  });

  it("of a list says nothing before the list was answered", async () => {
    const answers = await client.ask(
      [
        { type: "proc_spawn", cmd: "echo early" },
        { type: "proc_spawn", cmd: "sleep 0.3; echo late" },
        { type: "file_read", path: "none" },
      ],
      { sequence: true },
    );
    expect(answers).toMatchObject([
      { type: "proc_spawned" },
      { type: "proc_spawned" },
      { kind: "not_found" },
    ]);
    expect(client.lines[0]?.payload).toEqual(answers);
    await vi.waitFor(() => expect(client.said("proc_done")).toHaveLength(2), PATIENCE);
  });

  it("finds room only below the limit", async () => {
    const { client: small } = await hostClient(home, { limits: { processes: 2 } });
    const ask = { type: "proc_spawn", cmd: "exec sleep 1000" };
    const answers = [await small.ask([ask, ask, ask])].flat();
    expect(answers.filter(({ type }) => type === "proc_spawned")).toHaveLength(2);
    expect(answers.find(({ type }) => type === "error")).toMatchObject({
      kind: "would_block",
      description: expect.stringContaining("2 processes already, which is the limit"),
    });
    const first = answers.find((one) => one.type === "proc_spawned") as { id: number };
    await small.get("ok", { type: "proc_kill", id: first.id });
    await small.next("proc_done");
    await small.get("proc_spawned", ask);
  });

  it("hears the end of all input, and is waited for", async () => {
    const id = await spawn("cat; echo end");
    client.send({ type: "proc_stdin", id, data: bytes("last ") });
    await client.api.finish();
    expect(client.stdoutOf(id)).toBe("last end\n");
    expect(client.said("proc_done")).toEqual([{ type: "proc_done", id, success: true, code: 0 }]);
  });

  it("ends when the api is closed", async () => {
    const id = await spawn("echo $$; exec sleep 1000");
    await vi.waitFor(() => expect(client.stdoutOf(id)).toContain("\n"), PATIENCE);
    const pid = Number(client.stdoutOf(id));
    client.api.close();
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), PATIENCE);
  });
});
