// The codecs: whatever goes in comes out, in pieces of any length; and whatever a peer invents ends in a HoldfastError.
import fc from "fast-check";
import { HoldfastError } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import type { ProcessRequest } from "../../plugin/process.ts";
import { decodeFlag, decodeList, decodeStat, decodeSystemInfo } from "./answers.ts";
import { decodeEndpoint, encodeEndpoint } from "./endpoints.ts";
import { decodeFailure, encodeFailure } from "./failure.ts";
import { encodeJson } from "./fields.ts";
import { decodeOpening, encodeOpening, PURPOSE, WIRE_VERSION } from "./opening.ts";
import { decodeEnd, decodeProcess, decodeSize, encodeProcess } from "./processes.ts";
import {
  encodeRecord,
  HEAD_BYTES,
  MAX_DATA_BYTES,
  MAX_JSON_BYTES,
  RECORD,
  RecordReader,
  type WireRecord,
} from "./record.ts";
import { decodeCall } from "./requests.ts";

const type = fc.constantFrom(...Object.values(RECORD));
const record = fc.record({ type, payload: fc.uint8Array({ maxLength: 300 }) });

function readAll(reader: RecordReader): WireRecord[] {
  const records: WireRecord[] = [];
  for (let next = reader.next(); next !== undefined; next = reader.next()) records.push(next);
  return records;
}

/** Either a value, or a HoldfastError: nothing else may come out of a decoder. */
function harmless(decode: () => unknown): void {
  try {
    decode();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(HoldfastError);
    expect(["bad_record", "bad_path", "bad_endpoint", "too_long"]).toContain((thrown as HoldfastError).code);
  }
}

describe("records", () => {
  it("come out as they went in, whatever the pieces", () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.integer({ min: 1, max: 400 }), (records, step) => {
        const bytes = Buffer.concat(records.map((one) => encodeRecord(one.type, one.payload)));
        const reader = new RecordReader();
        const came: WireRecord[] = [];
        for (let at = 0; at < bytes.length; at += step) {
          reader.push(bytes.subarray(at, at + step));
          came.push(...readAll(reader));
        }
        expect(came.map((one) => [one.type, [...one.payload]])).toEqual(
          records.map((one) => [one.type, [...one.payload]]),
        );
        expect(reader.partial).toBe(false);
      }),
    );
  });

  it("leave what follows them to whoever reads on", () => {
    const reader = new RecordReader();
    reader.push(Buffer.concat([encodeRecord(RECORD.started, encodeJson({})), Buffer.from("plain")]));
    expect(reader.next()?.type).toBe(RECORD.started);
    expect(Buffer.from(reader.rest()).toString()).toBe("plain");
    expect(reader.next()).toBeUndefined();
  });

  it("are these bytes", () => {
    expect(Buffer.from(encodeRecord(RECORD.resize, Buffer.from("{}"))).toString("hex")).toBe(
      "03000000027b7d",
    );
  });

  it.each([
    [RECORD.data, MAX_DATA_BYTES],
    [RECORD.request, MAX_JSON_BYTES],
  ])("of type %i are refused by their head above %i bytes", (what, most) => {
    for (const [length, refused] of [
      [most, false],
      [most + 1, true],
      [0xffff_ffff, true],
    ] as const) {
      const head = Buffer.alloc(HEAD_BYTES);
      head[0] = what;
      head.writeUInt32BE(length, 1);
      const reader = new RecordReader();
      reader.push(head);
      if (refused) expect(() => reader.next()).toThrow(expect.objectContaining({ code: "bad_record" }));
      else expect(reader.next()).toBeUndefined();
    }
    expect(() => encodeRecord(what, new Uint8Array(most + 1))).toThrow(/bad_record/);
  });

  it("of garbage are refused, or wait for more", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
        harmless(() => {
          const reader = new RecordReader();
          for (const piece of pieces) {
            reader.push(piece);
            readAll(reader);
          }
        });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("an opening", () => {
  const host = fc.stringMatching(/^[A-Za-z0-9_.:%@-]{1,60}$/);
  const opening = fc.record({
    purpose: fc.constantFrom(...Object.values(PURPOSE)),
    machine: fc.string({ unit: "grapheme", maxLength: 20 }),
    of: fc.nat({ max: 0xffff_ffff }),
    from: fc.record({ host, port: fc.nat({ max: 65_535 }) }),
  });

  it("comes out as it went in", () => {
    fc.assert(
      fc.property(opening, (given) => {
        const whole = { version: WIRE_VERSION, ...given };
        expect(decodeOpening({ metadata: encodeOpening(whole) })).toEqual(whole);
      }),
    );
  });

  it("of another version gives its name all the same", () => {
    const metadata = Buffer.concat([Buffer.from([2, 99, 1]), Buffer.from("m"), Buffer.from("later")]);
    expect(decodeOpening({ metadata })).toEqual({ version: 2, purpose: 99, machine: "m" });
  });

  it("of garbage is nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (metadata) => void decodeOpening({ metadata })),
      { numRuns: 2_000 },
    );
    for (const hex of ["", "01", "0101", "000100", "0101ff", "010100", "010900000000000000", "0101c9"]) {
      expect(decodeOpening({ metadata: Buffer.from(hex, "hex") }), hex).toBeUndefined();
    }
  });
});

describe("a process", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 30 });
  const command = fc.oneof(
    text,
    fc.constant(undefined),
    fc.tuple(text, text, text).map(([program, ...args]): [string, ...string[]] => [program, ...args]),
  );
  const request: fc.Arbitrary<ProcessRequest> = fc.record(
    {
      command,
      directory: fc.stringMatching(/^[a-z/ '"\n-]{1,30}$/),
      environment: fc.dictionary(text, text),
      terminal: fc.record({
        rows: fc.integer({ min: 1, max: 65_535 }),
        columns: fc.integer({ min: 1, max: 65_535 }),
      }),
    },
    { requiredKeys: ["command"] },
  );

  it("is asked for as it was given", () => {
    fc.assert(
      fc.property(request, (given) => {
        const { environment, ...rest } = given;
        const { environment: came, ...decoded } = decodeProcess(encodeProcess(given));
        expect(decoded).toEqual(rest);
        expect(Object.entries(came ?? {})).toEqual(Object.entries(environment ?? {}));
      }),
    );
  });

  it("with too much of anything is refused on both sides", () => {
    const long = { command: ["x", "y".repeat(131_072)] } as const;
    const wide = { command: "x", environment: { A: "y".repeat(65_536) } };
    for (const given of [long, wide]) {
      expect(() => encodeProcess(given)).toThrow(
        expect.objectContaining({ code: "too_long", kind: "fatal" }),
      );
      expect(() => decodeProcess(encodeJson(given))).toThrow(expect.objectContaining({ code: "too_long" }));
    }
    expect(decodeProcess(encodeProcess({ command: ["x", "y".repeat(131_068)] })).command).toHaveLength(2);
  });

  it("ends with a code or a signal, and nothing else", () => {
    expect(decodeEnd(encodeJson({ code: 3 }))).toEqual({ code: 3 });
    expect(decodeEnd(encodeJson({ signal: "TERM" }))).toEqual({ signal: "TERM" });
    for (const bad of [
      {},
      { code: -1 },
      { code: 1.5 },
      { code: "3" },
      { signal: "a\u001b[2J" },
      { signal: 9 },
    ]) {
      expect(() => decodeEnd(encodeJson(bad)), JSON.stringify(bad)).toThrow(/bad_record/);
    }
  });
});

describe("a failure", () => {
  it("keeps what it says", () => {
    const failure = new HoldfastError({
      code: "not_found",
      message: "no",
      kind: "fatal",
      fault: "peer",
      hint: "look",
    });
    const came = decodeFailure(encodeFailure(failure));
    expect(came).toMatchObject({ code: "not_found", text: "no", kind: "fatal", fault: "peer", hint: "look" });
  });

  it("of an unknown kind is transient, and its texts cannot steer a terminal", () => {
    const payload = encodeJson({
      code: "X\n",
      message: "a\u001b[2J\u202e",
      kind: "hopeless",
      fault: 3,
      hint: {},
    });
    const came = decodeFailure(payload);
    expect(came).toMatchObject({ code: "failed", kind: "transient", fault: "peer", hint: undefined });
    expect(came.text).toBe("a\\u{1b}[2J\\u{202e}");
    expect(decodeFailure(encodeJson({ code: "new_one" }))).toMatchObject({
      code: "new_one",
      kind: "transient",
    });
  });

  it("is one, whatever came", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.jsonValue().map(encodeJson)), (payload) => {
        expect(decodeFailure(payload)).toBeInstanceOf(HoldfastError);
      }),
    );
  });
});

describe("a list", () => {
  it("has no names that lead elsewhere", () => {
    const names = ["a", "..", ".", "", "a/b", "../x", "a\0", " -n\n", "x".repeat(2_000)];
    const bytes = encodeJson({ files: names.map((name) => ({ name, type: "file" })) });
    const { files, leftOut } = decodeList(bytes);
    expect(files.map(({ name }) => name)).toEqual(["a", " -n\n"]);
    expect(leftOut).toBe(7);
  });
});

describe("every decoder of JSON", () => {
  const decoders = [
    decodeCall,
    decodeProcess,
    decodeSize,
    decodeEnd,
    decodeStat,
    decodeList,
    decodeSystemInfo,
    (payload: Uint8Array) => decodeFlag(payload, "exists"),
    (payload: Uint8Array) => decodeEndpoint(payload, 0),
  ];
  const keys = fc.constantFrom(
    "do",
    "path",
    "offset",
    "length",
    "append",
    "follow",
    "from",
    "to",
    "process",
    "name",
    "command",
    "terminal",

    "environment",
    "directory",
    "rows",
    "columns",
    "code",
    "signal",
    "type",
    "size",
    "mode",
    "files",
    "host",
    "port",

    "__proto__",
  );
  const words = fc.constantFrom(
    "read",
    "write",
    "stat",
    "list",
    "rename",
    "signal",
    "remove",
    "file",
    "",
    "/x",
    "a\0",
  );
  const value = fc.oneof(words, fc.jsonValue(), fc.double(), fc.maxSafeInteger());
  const object = fc.array(fc.tuple(keys, value)).map((entries) => encodeJson(Object.fromEntries(entries)));

  it("refuses what is out of range, and never throws anything else", () => {
    fc.assert(
      fc.property(fc.oneof(object, fc.uint8Array(), fc.jsonValue().map(encodeJson)), (payload) => {
        for (const decode of decoders) harmless(() => decode(payload));
      }),
      { numRuns: 3_000 },
    );
  });

  it("knows ports and hosts", () => {
    expect(decodeEndpoint(encodeEndpoint({ host: "::1", port: 0 }, 0), 0)).toEqual({ host: "::1", port: 0 });
    for (const bad of [
      { host: "a b", port: 1 },
      { host: "", port: 1 },
      { host: "a", port: 65_536 },
      { host: "a", port: 0 },
    ]) {
      expect(() => encodeEndpoint(bad, 1), JSON.stringify(bad)).toThrow(
        expect.objectContaining({ code: "bad_endpoint" }),
      );
    }
  });
});
