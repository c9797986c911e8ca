import type { OutputLine } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { expect, test } from "vitest";
import { Output, type OutputOptions } from "./output.ts";

class FakeStream {
  text = "";
  writableLength = 0;
  readonly #listeners = new Map<string, () => void>();

  write(text: string): boolean {
    this.text += text;
    return true;
  }
  on(event: string, listener: () => void): void {
    this.#listeners.set(event, listener);
  }
  emit(event: string): void {
    this.#listeners.get(event)?.();
  }
}

const hello: OutputOptions["hello"] = {
  type: "hello",
  schema: 1,
  version: "0",
  pid: 1,
  command: "relay",
  started_at: "1970-01-01T00:00:00.000Z",
};

function output(options: Partial<OutputOptions> = {}): {
  out: Output;
  stdout: FakeStream;
  stderr: FakeStream;
} {
  const [stdout, stderr] = [new FakeStream(), new FakeStream()];
  const all = { stdout, stderr, json: true, quiet: false, verbose: false, color: false, hello, ...options };
  return { out: new Output(all), stdout, stderr };
}

function typesOf(stream: FakeStream): unknown[] {
  return stream.text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as OutputLine).type);
}

test("hello is first, and comes once", () => {
  const { out, stdout } = output();
  out.text("not with --json");
  out.line({ type: "ready", addresses: [] });
  out.hello();
  expect(typesOf(stdout)).toEqual(["hello", "ready"]);
});

test("what a reader is too slow for is counted, and told when it has caught up", () => {
  const { out, stdout, stderr } = output();
  out.hello();
  stdout.writableLength = stderr.writableLength = 2 ** 20 + 1;
  out.line({ type: "ready", addresses: [] });
  out.line({ type: "ready", addresses: [] });
  out.status("nobody reads this");
  stdout.writableLength = 0;
  out.line({ type: "ready", addresses: [] });
  expect(typesOf(stdout)).toEqual(["hello"]);
  stdout.emit("drain");
  out.line({ type: "ready", addresses: [] });
  expect(typesOf(stdout)).toEqual(["hello", "missed", "ready"]);
  expect(stdout.text).toContain('"count":3');
  expect(stderr.text).toBe("");
});

test("errors are shown when status is not, with a stack only if asked for", () => {
  const error = new HoldfastError({ code: "x", message: "it\u001B[2J broke", hint: "mend it" });
  const quiet = output({ json: false, quiet: true });
  quiet.out.status("nothing");
  quiet.out.error(error);
  expect(quiet.stderr.text).toBe("error: it\\x1b[2J broke\n  mend it\n");
  const verbose = output({ json: false, verbose: true });
  verbose.out.error(error);
  expect(verbose.stderr.text).toContain("output.test.ts");
});
