// Lines as distant.nvim writes them, and what it gets, word for word.
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { hostClient, PATIENCE } from "./client.ts";

let home: string;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "hf-api-")));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
});

/** Lines that go there (`>`) and come back (`<`), each after the one before it. `HOME` is the home. */
async function play(transcript: string): Promise<void> {
  const got: string[] = [];
  const { client } = await hostClient(home, { send: async (line) => void got.push(line.trimEnd()) });
  let expected = 0;
  for (const line of transcript
    .trim()
    .split("\n")
    .map((one) => one.trim().replaceAll("HOME", home))) {
    if (line.startsWith("> ")) {
      client.write(line.slice(2));
      continue;
    }
    const index = expected;
    expected += 1;
    await vi.waitFor(() => expect(got.length, JSON.stringify(got)).toBeGreaterThan(index), PATIENCE);
    expect(got[index]).toBe(line.slice(2));
  }
  expect(got).toHaveLength(expected);
}

describe("distant.nvim", () => {
  it("opens, writes and lists a file", () =>
    play(`
      > {"header":{},"id":"1","payload":{"type":"version"}}
      < {"id":"1","origin_id":"1","payload":{"type":"version","server_version":"1.2.3","protocol_version":"0.21.0","capabilities":["exec","fs_io","fs_perm"]}}
      > {"header":{},"id":"2","payload":{"all":true,"path":"HOME/src","type":"dir_create"}}
      < {"id":"2","origin_id":"2","payload":{"type":"ok"}}
      > {"header":{},"id":"3","payload":{"path":"HOME/src/main.rs","text":"fn main() {}\\n","type":"file_write_text"}}
      < {"id":"3","origin_id":"3","payload":{"type":"ok"}}
      > {"header":{},"id":"4","payload":{"path":"HOME/src/main.rs","type":"file_read_text"}}
      < {"id":"4","origin_id":"4","payload":{"type":"text","data":"fn main() {}\\n"}}
      > {"header":{},"id":"5","payload":{"depth":1,"path":"HOME/src","type":"dir_read"}}
      < {"id":"5","origin_id":"5","payload":{"type":"dir_entries","entries":[{"path":"main.rs","file_type":"file","depth":1}],"errors":[]}}
      > {"header":{},"id":"6","payload":{"path":"HOME/src/none","type":"exists"}}
      < {"id":"6","origin_id":"6","payload":{"type":"exists","value":false}}
      > {"header":{},"id":"7","payload":{"path":"HOME/none","type":"file_read_text"}}
      < {"id":"7","origin_id":"7","payload":{"type":"error","kind":"not_found","description":"could not read HOME/none: there is no such file or directory"}}
    `));

  it("writes and reads bytes", () =>
    play(`
      > {"header":{},"id":"1","payload":{"data":[104,105,0,255],"path":"HOME/a","type":"file_write"}}
      < {"id":"1","origin_id":"1","payload":{"type":"ok"}}
      > {"header":{},"id":"2","payload":{"path":"HOME/a","type":"file_read"}}
      < {"id":"2","origin_id":"2","payload":{"type":"blob","data":[104,105,0,255]}}
      > {"header":{},"id":"3","payload":{"dst":"HOME/b","src":"HOME/a","type":"copy"}}
      < {"id":"3","origin_id":"3","payload":{"type":"ok"}}
      > {"header":{},"id":"4","payload":{"dst":"HOME/c","src":"HOME/b","type":"rename"}}
      < {"id":"4","origin_id":"4","payload":{"type":"ok"}}
      > {"header":{},"id":"5","payload":{"force":true,"path":"HOME/c","type":"remove"}}
      < {"id":"5","origin_id":"5","payload":{"type":"ok"}}
    `));

  it("sends a list, in order", () =>
    play(`
      > {"header":{"sequence":true},"id":"1","payload":[{"path":"HOME/a","text":"x","type":"file_write_text"},{"path":"HOME/none/a","type":"file_read_text"},{"path":"HOME/b","text":"x","type":"file_write_text"}]}
      < {"id":"1","origin_id":"1","payload":[{"type":"ok"},{"type":"error","kind":"not_found","description":"could not read HOME/none/a: there is no such file or directory"},{"type":"error","kind":"interrupted","description":"Canceled due to earlier error"}]}
      > {"header":{},"id":"2","payload":[{"path":"HOME/a","type":"exists"},{"path":"HOME/b","type":"exists"}]}
      < {"id":"2","origin_id":"2","payload":[{"type":"exists","value":true},{"type":"exists","value":false}]}
    `));

  it("starts a process with its kind of environment, and feeds it", () =>
    play(`
      > {"header":{},"id":"1","payload":{"cmd":"read line; echo $A $line","environment":",A=\\"b \\\\\\"c\\\\\\"\\"","current_dir":"HOME","type":"proc_spawn"}}
      < {"id":"1","origin_id":"1","payload":{"type":"proc_spawned","id":1}}
      > {"header":{},"id":"2","payload":{"data":[100,10],"id":1,"type":"proc_stdin"}}
      < {"id":"2","origin_id":"2","payload":{"type":"ok"}}
      < {"id":"3","origin_id":"1","payload":{"type":"proc_stdout","id":1,"data":[98,32,34,99,34,32,100,10]}}
      < {"id":"4","origin_id":"1","payload":{"type":"proc_done","id":1,"success":true,"code":0}}
    `));

  it("hears that there is no watching and no searching", () =>
    play(`
      > {"header":{},"id":"1","payload":{"path":"HOME","recursive":true,"type":"watch"}}
      < {"id":"1","origin_id":"1","payload":{"type":"error","kind":"unsupported","description":"holdfast does not watch files yet; ask for metadata now and then instead"}}
      > {"header":{},"id":"2","payload":{"query":{"condition":{"type":"regex","value":"x"},"paths":["HOME"],"target":"contents"},"type":"search"}}
      < {"id":"2","origin_id":"2","payload":{"type":"error","kind":"unsupported","description":"holdfast does not search yet; start grep or find with proc_spawn instead"}}
    `));
});
