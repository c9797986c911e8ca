// What comes in by lines, from the well-formed to the absurd: each line is answered or reported, and none ends it.
import fc from "fast-check";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { parseEnvironment } from "../../src/api/wire/environment.ts";
import { parseLine } from "../../src/api/wire/envelope.ts";
import { LineCutter } from "../../src/api/wire/lines.ts";
import { REQUEST_TYPES } from "../../src/api/wire/parse-request.ts";
import { hostClient } from "./client.ts";

const VERSION = { type: "version" };

describe("a line", () => {
  const malformed: [line: string, says: RegExp][] = [
    ["{", /not JSON/],
    ["nonsense", /not JSON/],
    ["1", /an object/],
    ["[]", /an object/],
    ["null", /an object/],
    ['{"payload":{"type":"version"}}', /an id, which is a string/],
    ['{"id":1,"payload":{"type":"version"}}', /an id, which is a string/],
  ];
  it.each(malformed)("%s is reported, and nothing else", async (line, says) => {
    const { client } = await hostClient(tmpdir());
    client.write(line);
    expect(client.malformed).toHaveLength(1);
    expect(client.malformed[0]?.text).toMatch(says);
    expect(await client.ask(VERSION)).toMatchObject(VERSION);
    expect(client.lines).toHaveLength(1);
  });

  const refused: [payload: unknown, kind: string, says: RegExp][] = [
    [undefined, "invalid_input", /an object with a type/],
    ["version", "invalid_input", /an object with a type/],
    [{}, "invalid_input", /an object with a type/],
    [{ type: 7 }, "invalid_input", /an object with a type/],
    [{ type: "fly" }, "unsupported", /no request "fly"; requests are file_read, /],
    [{ type: "toString" }, "unsupported", /no request/],
    [{ type: "__proto__" }, "unsupported", /no request/],
    [{ type: "version", more: 1 }, "invalid_input", /more/],
    [{ type: "file_read" }, "invalid_input", /path/],
    [{ type: "file_write", path: "a", data: [256] }, "invalid_input", /numbers from 0 to 255/],
    [{ type: "file_write", path: "a", data: [1.5] }, "invalid_input", /numbers from 0 to 255/],
    [{ type: "file_write", path: "a", data: "text" }, "invalid_input", /numbers from 0 to 255/],
    [{ type: "proc_spawn", cmd: "a", environment: "A" }, "invalid_input", /environment/],
    [{ type: "proc_spawn", cmd: "a", pty: { rows: 0, cols: 1 } }, "invalid_input", /pty/],
    [{ type: "proc_kill", id: -1 }, "invalid_input", /id/],
    [{ type: "tunnel_open", host: "a", port: 65_536 }, "invalid_input", /port/],
  ];
  it.each(refused)("with the payload %j is answered with %s", async (payload, kind, says) => {
    const { client } = await hostClient(tmpdir());
    expect(await client.ask(payload)).toMatchObject({
      type: "error",
      kind,
      description: expect.stringMatching(says),
    });
  });

  it("with a header that is none is answered", async () => {
    const { client } = await hostClient(tmpdir());
    expect(await client.ask(VERSION, 1)).toMatchObject({ kind: "invalid_input" });
    expect(await client.ask(VERSION, { sequence: 1 })).toMatchObject({ kind: "invalid_input" });
    for (const header of [{}, [], null, { sequence: null }, { sequence: false, other: 1 }]) {
      expect(await client.ask(VERSION, header)).toMatchObject(VERSION);
    }
  });

  it("with a list has a list of answers, in its order, with an error in the place of what is wrong", async () => {
    const { client } = await hostClient(tmpdir());
    expect(await client.ask([])).toEqual([]);
    const list = [VERSION, { type: "fly" }, { type: "status" }];
    expect(await client.ask(list)).toMatchObject([VERSION, { kind: "unsupported" }, { type: "status_info" }]);
    expect(await client.ask(list, { sequence: true })).toMatchObject([
      VERSION,
      { kind: "unsupported" },
      { type: "error", kind: "interrupted", description: "Canceled due to earlier error" },
    ]);
    expect(await client.ask(Array.from({ length: 1_025 }, () => VERSION))).toMatchObject({
      kind: "invalid_input",
    });
  });

  it("that is too long, or no text, is reported, and those around it are not harmed", async () => {
    const { client } = await hostClient(tmpdir(), { limits: { lineBytes: 100 } });
    client.write("x".repeat(5_000_000));
    client.api.receive(Buffer.from([0xff, 0x0a]));
    expect(client.malformed.map(({ code }) => code)).toEqual(["line_too_long", "bad_input"]);
    expect(await client.ask(VERSION)).toMatchObject(VERSION);
  });

  it("without its end counts when no more comes", async () => {
    const { client } = await hostClient(tmpdir());
    client.api.receive(Buffer.from('\r\n\n {"id":"last","payload":{"type":"version"}}'));
    await client.api.finish();
    expect(client.lines).toMatchObject([{ origin_id: "last", payload: VERSION }]);
  });

  it("beyond the requests that are under way is refused, and those are answered", async () => {
    let come: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => (come = resolve));
    const { client } = await hostClient(tmpdir(), {
      limits: { requests: 3 },
      abilities: () => waits.then(() => ({})),
    });
    const first = client.ask([VERSION, VERSION]);
    expect(await client.ask([VERSION, VERSION])).toMatchObject({
      kind: "would_block",
      description: expect.stringContaining("3 requests under way already, which is the limit"),
    });
    come();
    expect(await first).toMatchObject([VERSION, VERSION]);
    const three = [VERSION, VERSION, VERSION];
    expect(await client.ask(three)).toMatchObject(three);
    expect(await client.ask(three)).toMatchObject(three);
    await client.api.finish();
  });

  it("with an answer to a question is handed on", async () => {
    const { client } = await hostClient(tmpdir());
    client.write('{"type":"auth_challenge_response","answers":["a"]}');
    expect(client.asked).toEqual([{ type: "auth_challenge_response", answers: ["a"] }]);
  });
});

describe("whatever comes", () => {
  const anyRequest = fc.record(
    {
      type: fc.constantFrom(...REQUEST_TYPES),
      path: fc.anything(),
      data: fc.anything(),
      id: fc.anything(),
      cmd: fc.anything(),
      environment: fc.anything(),
      pty: fc.anything(),
      options: fc.anything(),
      permissions: fc.anything(),
    },
    { requiredKeys: ["type"] },
  );
  const anyEnvelope = fc.record(
    {
      id: fc.oneof(fc.string(), fc.anything()),
      header: fc.anything(),
      payload: fc.oneof(anyRequest, fc.array(anyRequest), fc.anything()),
    },
    { requiredKeys: [] },
  );
  const anyLine = fc.oneof(fc.string(), fc.json(), anyEnvelope.map(textOf));

  it("is understood or malformed, and never thrown", () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const incoming = parseLine(line, 16);
        expect(["envelope", "authentication", "malformed"]).toContain(incoming.kind);
        if (incoming.kind === "malformed") expect(incoming.failure.text).not.toBe("");
      }),
      { numRuns: 1_000 },
    );
  });

  it("is cut into the same lines, wherever the bytes are cut", () => {
    const cutAt = fc.array(fc.nat(400), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 40 })), cutAt, (lines, cuts) => {
        const bytes = Buffer.from(lines.join("\n"));
        const whole = new LineCutter(60);
        const pieces = new LineCutter(60);
        const points = [0, ...cuts.filter((at) => at < bytes.length).toSorted((a, b) => a - b), bytes.length];
        const got = points.flatMap((at, index) => [
          ...pieces.receive(bytes.subarray(at, points[index + 1] ?? at)),
        ]);
        const shown = (all: readonly object[]): unknown => JSON.stringify(all);
        expect(shown([...got, ...pieces.end()])).toEqual(shown([...whole.receive(bytes), ...whole.end()]));
      }),
      { numRuns: 200 },
    );
  });
});

describe("variables as a text", () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  it("are those that were written, as distant.nvim writes them and as distant does", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          name,
          fc.string().filter((text) => !text.includes("\\")),
        ),
        (variables) => {
          const pairs = Object.entries(variables).map(
            ([key, value]) => `${key}="${value.replaceAll('"', '\\"')}"`,
          );
          expect({ ...parseEnvironment(pairs.map((pair) => `,${pair}`).join("")) }).toEqual({ ...variables });
          expect({ ...parseEnvironment(pairs.map((pair) => `${pair},`).join("")) }).toEqual({ ...variables });
        },
      ),
    );
  });

  it("may be written without quotes, and with backslashes for themselves", () => {
    expect(parseEnvironment('A=b, C = "d\\\\e" ,,E=')).toEqual({ A: "b", C: "d\\e", E: "" });
    expect(parseEnvironment("")).toEqual({});
  });
});

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "{}";
  }
}
