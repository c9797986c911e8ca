// Peers that do not keep to the rules: the stream in question fails, the session and everybody else on it go on.
import { RESET, KIND, type SessionStream } from "@holdfast/core/session";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordPort } from "../../src/native/record-port.ts";
import { decodeFailure } from "../../src/native/wire/failure.ts";
import { encodeJson } from "../../src/native/wire/fields.ts";
import { encodeOpening, PURPOSE, WIRE_VERSION } from "../../src/native/wire/opening.ts";
import { encodeRecord, RECORD } from "../../src/native/wire/record.ts";
import { sessionMachine } from "../../src/native/index.ts";
import { startStage, until, type Stage } from "./stage.ts";

function session({ line }: Stage): NonNullable<Stage["line"]["session"]> {
  if (line.session === undefined) throw new Error("no session");
  return line.session;
}

function open(stage: Stage, purpose: number, of = 0): RecordPort {
  const opening = encodeOpening({ version: WIRE_VERSION, purpose, machine: "", of });
  return new RecordPort(session(stage).open(KIND.machine, opening), session(stage));
}

async function failureOf(port: RecordPort): Promise<string> {
  return decodeFailure(await port.expect(RECORD.failed)).code;
}

async function wasReset(stream: SessionStream): Promise<unknown> {
  await until(() => stream.received !== undefined);
  return stream.received;
}

describe("a user that breaks the rules", () => {
  it("hears bad_record for a record that is none, wherever it is", async () => {
    const stage = await startStage();
    for (const purpose of [PURPOSE.call, PURPOSE.process, PURPOSE.connect, PURPOSE.listen]) {
      for (const bytes of [
        Buffer.from("GET / HTTP/1.1\r\n\r\n"),
        encodeRecord(RECORD.done, encodeJson({})),
      ]) {
        const port = open(stage, purpose);
        port.port.stream.write(bytes);
        expect(await failureOf(port)).toBe("bad_record");
      }
      const half = open(stage, purpose);
      half.port.stream.write(encodeRecord(RECORD.request, encodeJson({ do: "ping" })).subarray(0, 7));
      half.port.stream.end();
      expect(await failureOf(half)).toBe("bad_record");
    }
    await stage.machine.ping();
  });

  it("is told of a version that is not spoken here", async () => {
    const stage = await startStage();
    const metadata = Buffer.from([2, 77, 0, 1, 2, 3]);
    const port = new RecordPort(session(stage).open(KIND.machine, metadata), session(stage));
    port.port.stream.write(Buffer.from("something new"));
    expect(await failureOf(port)).toBe("unsupported_version");
  });

  it("is reset for streams of processes that are not there, names that nobody serves, and what is no opening", async () => {
    const stage = await startStage();
    const reset = { type: "reset", code: RESET.notProcessed, by: "peer" };
    for (const purpose of [PURPOSE.stdin, PURPOSE.stdout, PURPOSE.accept]) {
      expect(await wasReset(open(stage, purpose, 4_711).port.stream)).toEqual(reset);
    }
    const other = sessionMachine(session(stage), { name: "other" });
    await expect(other.ping()).rejects.toMatchObject({ code: "unsupported", kind: "fatal" });
    expect(await wasReset(session(stage).open(KIND.machine, Buffer.from([1])))).toMatchObject({
      type: "reset",
    });
    await stage.machine.ping();
  });

  it("ends its own process with garbage instead of a size, and nobody else's", async () => {
    const stage = await startStage();
    const other = await stage.machine.start({ command: ["cat"] });
    const port = open(stage, PURPOSE.process);
    await port.sendJson(RECORD.request, { command: ["sleep", "600"] });
    await port.expect(RECORD.started);
    expect(stage.server.services[0]?.processes).toBe(2);
    port.port.stream.write(encodeRecord(RECORD.resize, encodeJson({ rows: 0, columns: "x" })));
    await until(() => stage.server.services[0]?.processes === 1);
    other.stdout.resume();
    other.stderr.resume();
    other.stdin.end();
    expect(await other.ended).toEqual({ code: 0 });
  });

  it("leaves a server that serves on, whatever it writes", async () => {
    const stage = await startStage();
    const purposes = fc.constantFrom(...Object.values(PURPOSE));
    const records = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc
          .tuple(fc.constantFrom(...Object.values(RECORD)), fc.jsonValue())
          .map(([type, value]) => encodeRecord(type, encodeJson(value))),
      ),
      { maxLength: 4 },
    );
    for (const [purpose, pieces] of fc.sample(fc.tuple(purposes, records), 300)) {
      const { stream } = open(stage, purpose, 1).port;
      for (const piece of pieces) stream.write(piece);
      stream.end();
      if (pieces.length % 2 === 0) stream.reset();
    }
    await stage.machine.ping();
    expect(stage.server.services).toHaveLength(1);
    await until(() => stage.server.services[0]?.processes === 0);
  });
});

/** A server that says these bytes on every stream, and perhaps no more. */
function saying(bytes: Uint8Array, ending: "end" | "reset" | "nothing"): Promise<Stage> {
  const nobody = { readable: () => undefined, writable: () => undefined, forgotten: () => undefined };
  return startStage({
    serve(stream, at) {
      at.listen(stream, nobody);
      if (bytes.length > 0) stream.write(bytes);
      if (ending === "end") stream.end();
      if (ending === "reset") stream.reset();
    },
  });
}

function askAll({ machine }: Stage): Promise<unknown>[] {
  return [
    machine.ping(),
    machine.systemInfo(),
    machine.start({ command: ["true"] }),
    machine.connectTcp("127.0.0.1", 9),
    machine.listenTcp("127.0.0.1", 0, () => undefined),
    machine.files.read("/x"),
    machine.files.write("/x", new Uint8Array(1_000_000)),
    machine.files.stat("/x"),
    machine.files.list("/x"),
    machine.files.exists("/x"),
  ];
}

describe("a server that breaks the rules", () => {
  it.each([
    ["no answer", new Uint8Array(), "end"],
    ["half a record", Buffer.from([RECORD.done, 0, 0, 0, 9, 1]), "end"],
    ["a record too long", Buffer.from([RECORD.data, 0, 1, 0, 1]), "nothing"],
    ["a type that is none", Buffer.from([99, 0, 0, 0, 0]), "nothing"],
    ["what only users say", encodeRecord(RECORD.request, encodeJson({})), "nothing"],
  ] as const)("makes everything fail with bad_record by %s", async (_, bytes, ending) => {
    const stage = await saying(bytes, ending);
    const codes = await Promise.all(
      askAll(stage).map((one) =>
        one.then(
          () => "fine",
          (thrown: { code: string }) => thrown.code,
        ),
      ),
    );
    expect(new Set(codes)).toEqual(new Set(["bad_record"]));
    await until(() => [...session(stage).streams()].length === 0);
  });

  it("makes what it resets fail, and nothing stays open", async () => {
    const stage = await saying(new Uint8Array(), "reset");
    const settled = await Promise.allSettled(askAll(stage));
    expect(settled.map(({ status }) => status)).toEqual(settled.map(() => "rejected"));
    await until(() => [...session(stage).streams()].length === 0);
  });

  it("cannot fill the memory with an answer", async () => {
    const data = encodeRecord(RECORD.data, new Uint8Array(65_536));
    let sent = 0;
    const stage = await startStage({
      serve(stream, at) {
        const say = (): void => {
          while (stream.writable && sent < 80_000_000) {
            sent += 65_536;
            stream.write(data);
          }
        };
        at.listen(stream, { readable: () => undefined, writable: say, forgotten: () => undefined });
        say();
      },
    });
    await expect(stage.machine.files.list("/x")).rejects.toMatchObject({ code: "bad_record" });
    expect(sent).toBeLessThan(40_000_000);
    sent = 0;
    await expect(stage.machine.files.read("/x")).rejects.toMatchObject({ code: "too_large" });
  });
});
