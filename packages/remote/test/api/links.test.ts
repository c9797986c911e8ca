// What a swap of the link does to requests: what was not sent waits, what only looks is asked again, and what may have
// been done says so.
import { PassThrough } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import type { ConnectedMachine } from "../../src/connection/connection.ts";
import type { Files, FileStat } from "../../src/plugin/files.ts";
import type { Process } from "../../src/plugin/process.ts";
import { Client } from "./client.ts";

const lost = (code: string): HoldfastError => new HoldfastError({ code, message: `it is ${code}` });
const LOST = "the connection was lost: nobody knows whether this process still runs, or how it ended";
const STAT: FileStat = { type: "file", size: 1, mode: 0o600, modifiedMs: 0 };

/** A machine of which only these parts are asked. */
function machine(files: Partial<Files>, more: Partial<ConnectedMachine> = {}): ConnectedMachine {
  return { files, ...more } as ConnectedMachine;
}

/** One after the other, each after the one that is gone. */
function inTurn(machines: readonly ConnectedMachine[]): {
  readonly client: Client;
  readonly asked: () => number;
} {
  let asked = 0;
  const client = new Client({
    machineOf: async ({ after }) => {
      asked += 1;
      const found = machines[after === undefined ? 0 : machines.indexOf(after) + 1];
      if (found === undefined) throw lost("not_connected");
      return found;
    },
  });
  return { client, asked: () => asked };
}

const fails = (code: string) => async (): Promise<never> => {
  throw lost(code);
};

describe("a request whose link is lost", () => {
  it("is asked again if it only looks", async () => {
    const { client } = inTurn([machine({ stat: fails("link_lost") }), machine({ stat: async () => STAT })]);
    expect(await client.ask({ type: "metadata", path: "a" })).toMatchObject({ type: "metadata", len: 1 });
  });

  it("says that it may have been done, if it changes something", async () => {
    const { client, asked } = inTurn([
      machine({ write: fails("link_lost") }),
      machine({ write: async () => undefined }),
    ]);
    expect(await client.ask({ type: "file_write_text", path: "a", text: "" })).toEqual({
      type: "error",
      kind: "interrupted",
      description: expect.stringContaining("it may have been done"),
      may_have_run: true,
    });
    expect(asked()).toBe(1);
  });

  it("waits for the next link if it was not sent", async () => {
    let written = 0;
    const write = async (): Promise<void> => void (written += 1);
    const { client } = inTurn([machine({ write: fails("not_connected") }), machine({ write })]);
    expect(await client.ask({ type: "file_write_text", path: "a", text: "" })).toEqual({ type: "ok" });
    expect(written).toBe(1);
  });

  it("is not asked for ever", async () => {
    const machines = Array.from({ length: 9 }, () => machine({ stat: fails("link_lost") }));
    const { client, asked } = inTurn(machines);
    expect(await client.ask({ type: "metadata", path: "a" })).toMatchObject({ kind: "interrupted" });
    expect(client.said("error")[0]).not.toHaveProperty("may_have_run");
    expect(asked()).toBe(5);
  });

  it("takes the word of a machine that is given again", async () => {
    let asked = 0;
    const gone = machine({ stat: fails("not_connected") });
    const client = new Client({
      machineOf: async () => {
        asked += 1;
        return gone;
      },
    });
    expect(await client.ask({ type: "metadata", path: "a" })).toMatchObject({ kind: "not_connected" });
    expect(asked).toBe(2);
  });
});

describe("a list over a swap of the link", () => {
  it("goes on where it was, as long as nothing was under way", async () => {
    let come: (machine: ConnectedMachine) => void = () => undefined;
    const coming = new Promise<ConnectedMachine>((resolve) => (come = resolve));
    const written: string[] = [];
    const write = async (path: string): Promise<void> => void written.push(path);
    const client = new Client({ machineOf: () => coming });
    const paths = ["a", "b", "c"];
    const list = client.ask(
      paths.map((path) => ({ type: "file_write_text", path, text: "" })),
      { sequence: true },
    );
    expect(written).toEqual([]);
    come(machine({ write }));
    expect(await list).toEqual([{ type: "ok" }, { type: "ok" }, { type: "ok" }]);
    expect(written).toEqual(paths);
  });

  it("in order stops at the request that may have been done", async () => {
    let links = 0;
    const write = async (path: string): Promise<void> => {
      if (path === "b") throw lost("link_lost");
    };
    const client = new Client({
      machineOf: async () => {
        links += 1;
        return machine({ write });
      },
    });
    const list = ["a", "b", "c"].map((path) => ({ type: "file_write_text", path, text: "" }));
    expect(await client.ask(list, { sequence: true })).toEqual([
      { type: "ok" },
      expect.objectContaining({ kind: "interrupted", may_have_run: true }),
      { type: "error", kind: "interrupted", description: "Canceled due to earlier error" },
    ]);
    expect(links).toBe(2);
    expect(await client.ask(list)).toMatchObject([{ type: "ok" }, { may_have_run: true }, { type: "ok" }]);
  });
});

describe("a copy whose link is lost in the middle", () => {
  it("says that it may have been done, also if the next step was not sent", async () => {
    const files = {
      stat: async () => STAT,
      read: async (_path: string, range?: { readonly offset?: number; readonly length?: number }) => {
        if ((range?.offset ?? 0) > 0) throw lost("not_connected");
        return new Uint8Array(range?.length ?? 0);
      },
      write: async () => undefined,
      remove: async () => undefined,
    };
    const { client, asked } = inTurn([machine(files), machine(files)]);
    expect(await client.ask({ type: "copy", src: "a", dst: "b" })).toMatchObject({
      kind: "interrupted",
      may_have_run: true,
    });
    expect(asked()).toBe(2);
  });
});

describe("a process whose link is lost", () => {
  it("ends with 255, a message, and an error that says so", async () => {
    let lose: (failure: HoldfastError) => void = () => undefined;
    const ended = new Promise<never>((_resolve, reject) => (lose = reject));
    ended.catch(() => undefined);
    const process: Process = {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      ended,
      resize: () => undefined,
      signal: async () => undefined,
    };
    const { client } = inTurn([machine({}, { start: async () => process })]);
    const { id } = await client.get("proc_spawned", { type: "proc_spawn", cmd: "make" });
    process.stdout.push("half");
    await client.next("proc_stdout");
    const failure = lost("link_lost");
    for (const stream of [process.stdout, process.stderr]) stream.destroy(failure);
    lose(failure);
    expect(await client.next("proc_done")).toEqual({
      type: "proc_done",
      id,
      success: false,
      code: 255,
      error: { kind: "interrupted", description: LOST, may_have_run: true },
    });
    const message = client.said("proc_stderr").map(({ data }) => Buffer.from(data).toString());
    expect(message.join("")).toBe(`holdfast: ${LOST}\n`);
  });
});

describe("a request that takes too long", () => {
  it("is answered in time; what comes of it later is ended", async () => {
    let killed = "";
    let start: (process: Process) => void = () => undefined;
    const late: Process = {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      ended: Promise.resolve({ code: 0 }),
      resize: () => undefined,
      signal: async (name) => void (killed = name),
    };
    const never = machine(
      { stat: () => new Promise<never>(() => undefined) },
      { start: () => new Promise((resolve) => (start = resolve)) },
    );
    const client = new Client({ machineOf: async () => never, timeoutMs: 20 });
    expect(await client.ask({ type: "metadata", path: "a" })).toEqual({
      type: "error",
      kind: "timed_out",
      description: "no answer within 20 ms",
    });
    expect(await client.ask({ type: "proc_spawn", cmd: "make" })).toMatchObject({
      kind: "timed_out",
      may_have_run: true,
    });
    start(late);
    await client.api.finish();
    expect(killed).toBe("KILL");
  });
});
