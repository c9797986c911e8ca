// Machines that are slow, forgetful, or gone in the middle of something.
import { Duplex } from "node:stream";
import { HoldfastError, type Clock } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { describe, expect, it, vi } from "vitest";
import type { ConnectedMachine } from "../../src/connection/connection.ts";
import type { Files } from "../../src/plugin/files.ts";
import { Client, PATIENCE } from "./client.ts";

const lost = (code: string): HoldfastError => new HoldfastError({ code, message: `it is ${code}` });

/** Every wait is over at once. */
const impatient: Clock = {
  ...systemClock,
  timer: (fire) => ({ set: () => void setImmediate(fire), clear: () => undefined }),
};

/** A connection that takes each piece only when it is told to. */
class SlowStream extends Duplex {
  readonly taken: string[] = [];
  ended = false;
  #letGo: () => void = () => undefined;

  override _read(): void {
    // What comes is pushed by the test.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#letGo = () => {
      this.#letGo = () => undefined;
      this.taken.push(String(chunk));
      done();
    };
  }

  override _final(done: () => void): void {
    this.ended = true;
    done();
  }

  /** The piece that it holds. */
  takePiece(): void {
    this.#letGo();
  }
}

async function tunnel(): Promise<{
  readonly client: Client;
  readonly stream: SlowStream;
  readonly id: number;
}> {
  const stream = new SlowStream();
  const machine = { connectTcp: async () => stream } as unknown as ConnectedMachine;
  const client = new Client({ machineOf: async () => machine });
  const { id } = await client.get("tunnel_opened", { type: "tunnel_open", host: "a", port: 1 });
  return { client, stream, id };
}

async function takeAll(stream: SlowStream): Promise<void> {
  await vi.waitFor(() => {
    stream.takePiece();
    expect(stream.closed).toBe(true);
  }, PATIENCE);
}

describe("a tunnel whose other end is slow", () => {
  it("is not cut off when it is closed", async () => {
    const { client, stream, id } = await tunnel();
    for (const text of ["a", "b"]) client.send({ type: "tunnel_write", id, data: [...Buffer.from(text)] });
    await client.get("ok", { type: "tunnel_close", id });
    await takeAll(stream);
    expect({ taken: stream.taken, ended: stream.ended }).toEqual({ taken: ["a", "b"], ended: true });
  });

  it("is not cut off when the other end has said its last word", async () => {
    const { client, stream, id } = await tunnel();
    client.send({ type: "tunnel_write", id, data: [...Buffer.from("a")] });
    stream.push(null);
    await client.next("tunnel_closed");
    await takeAll(stream);
    expect({ taken: stream.taken, ended: stream.ended }).toEqual({ taken: ["a"], ended: true });
  });

  it("is cut off when it takes too long", async () => {
    const stream = new SlowStream();
    const machine = { connectTcp: async () => stream } as unknown as ConnectedMachine;
    const client = new Client({ machineOf: async () => machine, clock: impatient });
    const { id } = await client.get("tunnel_opened", { type: "tunnel_open", host: "a", port: 1 });
    client.send({ type: "tunnel_write", id, data: [1] });
    await client.get("ok", { type: "tunnel_close", id });
    await vi.waitFor(() => expect(stream.closed).toBe(true), PATIENCE);
    expect(stream.taken).toEqual([]);
  });
});

describe("a port whose link is replaced", () => {
  /** Listens, after so many times that somebody else was there. */
  function ports(failures: readonly string[]): { readonly client: Client; readonly closed: () => number } {
    const left = [...failures];
    let closed = 0;
    let first = true;
    const listenTcp = async (host: string): Promise<object> => {
      const failure = first ? undefined : left.shift();
      first = false;
      if (failure !== undefined) throw lost(failure);
      return { host, port: 7, close: async () => void (closed += 1) };
    };
    const machine = { listenTcp } as unknown as ConnectedMachine;
    return { client: new Client({ machineOf: async () => machine, clock: impatient }), closed: () => closed };
  }
  const ask = { type: "tunnel_listen", host: "a", port: 0 };

  it("is closed on the old one, and waits until the far side has noticed", async () => {
    const { client, closed } = ports(["address_in_use", "address_in_use"]);
    await client.get("tunnel_listening", ask);
    client.api.relinked();
    await vi.waitFor(() => expect(closed()).toBe(1), PATIENCE);
    const { id } = client.said("tunnel_listening")[0] ?? { id: 0 };
    await client.get("ok", { type: "tunnel_close", id });
    await vi.waitFor(() => expect(closed()).toBe(2), PATIENCE);
    expect(client.said("tunnel_closed")).toEqual([{ type: "tunnel_closed", id }]);
  });

  it("is told to be closed if it cannot be had again", async () => {
    const { client } = ports(["permission_denied"]);
    const { id } = await client.get("tunnel_listening", ask);
    client.api.relinked();
    expect(await client.next("tunnel_closed")).toMatchObject({ id, error: { kind: "permission_denied" } });
    expect(await client.ask({ type: "status" })).toEqual({ type: "status_info", tunnels: [] });
  });
});

describe("a directory whose link is lost in the middle", () => {
  it("is read again, and has no error", async () => {
    const systemInfo = async (): Promise<object> => ({ family: "unix", currentDirectory: "/" });
    const machineWhose = (below: Files["list"]): ConnectedMachine => {
      const list: Files["list"] = async (path) =>
        path === "root" ? [{ name: "folder", type: "directory" }] : below(path);
      return { systemInfo, files: { list } } as unknown as ConnectedMachine;
    };
    const machines = [
      machineWhose(async () => {
        throw lost("link_lost");
      }),
      machineWhose(async () => [{ name: "file", type: "file" }]),
    ];
    const client = new Client({
      machineOf: async ({ after }) => machines[after === undefined ? 0 : 1] as ConnectedMachine,
    });
    expect(await client.ask({ type: "dir_read", path: "root", depth: 0 })).toEqual({
      type: "dir_entries",
      entries: [
        { path: "folder", file_type: "dir", depth: 1 },
        { path: "folder/file", file_type: "file", depth: 2 },
      ],
      errors: [],
    });
  });
});
