// A malicious SFTP server, byte by byte: none of its answers ends our process, holds a caller for ever, is taken for
// another one's, or leads a request to where nobody sent it.
import { setImmediate } from "node:timers/promises";
import type { Session } from "ssh2";
import { describe, expect, it } from "vitest";
import type { SshClient } from "../../src/ssh/library.ts";
import { LinkLife } from "../../src/ssh/link-life.ts";
import { SftpSession } from "../../src/ssh/sftp-session.ts";
import { OddServer } from "./odd-server.ts";
import { attributes, number, packet, rawSftp, status, text, TYPE, version } from "./raw-sftp.ts";
import type { RawRequest, RawServing } from "./raw-sftp.ts";

const [OPEN, CLOSE, READ, LSTAT, FSTAT, OPENDIR, READDIR, REMOVE, RMDIR, STAT] = [
  3, 4, 5, 7, 8, 11, 12, 13, 15, 17,
];
const [OK, EOF, NO_SUCH_FILE] = [0, 1, 2];

async function dialled(...serving: readonly RawServing[]) {
  let channels = 0;
  const onSession = (session: Session): void =>
    rawSftp(serving[Math.min(channels++, serving.length - 1)] ?? {})(session);
  const server = await OddServer.start({ onSession });
  const context = server.context();
  return { ...(await server.dial(context)), context, channels: () => channels };
}

const honest: RawServing = {
  answer: ({ id }, { send }) => send(packet(TYPE.attributes, number(id), attributes(7n))),
};

/** The path that a request begins with. */
const pathOf = ({ body }: RawRequest): string => body.toString("utf8", 4, 4 + body.readUInt32BE(0));

describe("an answer that breaks the protocol ends the file transfer, not the link, and not this process", () => {
  const garbage: readonly (readonly [string, Buffer])[] = [
    ["a packet of an unknown kind", packet(250, number(1))],
    ["a packet without anything", number(0)],
    ["a packet of 4 GiB", number(0xffff_ffff)],
    ["a second version", version()],
    ["a list that says it has more names than it has", packet(TYPE.name, number(1), number(0xffff_ffff))],
    ["a handle that is cut off", packet(TYPE.handle, number(1), number(900))],
  ];

  it.each(garbage)("%s, in one piece with the greeting", async (_, bytes) => {
    const { machine, channels } = await dialled({ greeting: () => [version(), bytes], ...honest }, honest);
    await expect(machine.files.stat("/x")).rejects.toMatchObject({ name: "HoldfastError" });
    await machine.ping();
    expect(await machine.files.stat("/x")).toMatchObject({ size: 7 });
    expect(channels()).toBe(2);
  });

  it.each(garbage)("%s, instead of an answer", async (_, bytes) => {
    const { machine } = await dialled({ answer: (__, { send }) => send(bytes) }, honest);
    const asked = [machine.files.stat("/x"), machine.files.list("/x"), machine.files.read("/x")];
    for (const one of await Promise.allSettled(asked)) {
      expect(one).toMatchObject({ status: "rejected", reason: { name: "HoldfastError" } });
    }
    await machine.ping();
    expect(await machine.files.stat("/x")).toMatchObject({ size: 7 });
  });

  it.each([
    ["closes the channel", "close"],
    ["ends the channel", "end"],
  ] as const)("a server that %s while it is asked", async (_, how) => {
    const { machine } = await dialled({ answer: (__, { channel }) => void channel[how]() }, honest);
    await expect(machine.files.stat("/x")).rejects.toMatchObject({ name: "HoldfastError" });
    await machine.ping();
    expect(await machine.files.stat("/x")).toMatchObject({ size: 7 });
  });
});

describe("answers that nobody asked for", () => {
  it("are for nobody, and each answer finds its question, whatever the order", async () => {
    const asked: RawRequest[] = [];
    const { machine } = await dialled({
      answer: (request, { send }) => {
        asked.push(request);
        if (asked.length < 3) return;
        const answers = asked
          .toReversed()
          .map((one) => packet(TYPE.attributes, number(one.id), attributes(BigInt(pathOf(one).slice(1)))));
        const strange = [4_000_000, 0xffff_ffff].flatMap((id) => [
          status(id, OK),
          packet(TYPE.handle, number(id), text("h")),
          packet(TYPE.data, number(id), text("data")),
          packet(TYPE.attributes, number(id), attributes(99n)),
        ]);
        // Twice: the second comes when its question has been answered.
        send(...strange, ...answers, ...answers, ...strange);
      },
    });
    const sizes = await Promise.all(["/1", "/2", "/3"].map((path) => machine.files.stat(path)));
    expect(sizes.map(({ size }) => size)).toEqual([1, 2, 3]);
    await machine.ping();
  });

  it.each<[string, (id: number) => Buffer]>([
    ["that all is well", (id) => status(id, OK)],
    ["a handle", (id) => packet(TYPE.handle, number(id), text("h"))],
    ["attributes", (id) => packet(TYPE.attributes, number(id), attributes(1n))],
    ["names", (id) => packet(TYPE.name, number(id), number(1), text("n"), text("n"), attributes(1n))],
  ])("a file is not made of %s where its bytes should be", async (_, answer) => {
    for (const size of [0n, 100_000n]) {
      const { machine } = await dialled({
        answer: ({ type, id }, { send }) => {
          if (type === OPEN) send(packet(TYPE.handle, number(id), text("h")));
          else if (type === FSTAT) send(packet(TYPE.attributes, number(id), attributes(size)));
          else send(type === READ ? answer(id) : status(id, OK));
        },
      });
      await expect(machine.files.read("/x")).rejects.toMatchObject({ code: "bad_answer", fault: "peer" });
      await machine.ping();
    }
  });

  it.each<[string, (id: number) => Buffer]>([
    ["names", (id) => packet(TYPE.name, number(id), number(1), text("n"), text("n"), attributes(1n))],
    ["that all is well", (id) => status(id, OK)],
  ])("what a file is does not follow from %s", async (_, answer) => {
    const { machine } = await dialled({ answer: ({ id }, { send }) => send(answer(id)) });
    await expect(machine.files.stat("/x")).rejects.toMatchObject({ code: "bad_answer" });
  });
});

describe("sizes that are lies", () => {
  it.each([2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])("%i bytes are not believed", async (size) => {
    const { machine } = await dialled({
      answer: ({ type, id }, { send }) => {
        if (type === OPEN) send(packet(TYPE.handle, number(id), text("h")));
        else if (type === READ) send(packet(TYPE.data, number(id), text("x".repeat(1_000))));
        else if (type === CLOSE) send(status(id, OK));
        else send(packet(TYPE.attributes, number(id), attributes(size)));
      },
    });
    expect((await machine.files.stat("/x")).size).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    await expect(machine.files.read("/x")).rejects.toMatchObject({ code: "too_large" });
    await machine.ping();
  });

  it("a file that ends before its size is as long as what came", async () => {
    let reads = 0;
    const { machine } = await dialled({
      answer: ({ type, id }, { send }) => {
        if (type === OPEN) send(packet(TYPE.handle, number(id), text("h")));
        else if (type === FSTAT) send(packet(TYPE.attributes, number(id), attributes(1_000_000n)));
        else if (type === READ && reads++ === 0) send(packet(TYPE.data, number(id), text("abc")));
        else send(status(id, type === READ ? EOF : OK));
      },
    });
    expect(Buffer.from(await machine.files.read("/x")).toString()).toBe("abc");
  });
});

describe("names", () => {
  const listing = (names: readonly string[], mode = 0o100644): RawServing => {
    let given = false;
    return {
      answer: ({ type, id }, { send }) => {
        if (type === OPENDIR) send(packet(TYPE.handle, number(id), text("h")));
        else if (type === READDIR && !given) {
          given = true;
          const entries = names.map((name) => Buffer.concat([text(name), text(name), attributes(1n, mode)]));
          send(packet(TYPE.name, number(id), number(names.length), ...entries));
        } else if (type === READDIR) send(status(id, EOF));
        else if (type === LSTAT || type === STAT)
          send(packet(TYPE.attributes, number(id), attributes(0n, 0o040755)));
        else send(status(id, OK));
      },
    };
  };

  it("that are paths lead no removal out of its folder", async () => {
    const removed: string[] = [];
    const { answer } = listing(["..", ".", "../up", "/etc/passwd", "a/../../b", "nul\0", "good"]);
    const { machine, context } = await dialled({
      answer: (request, to) => {
        if (request.type === REMOVE || request.type === RMDIR) removed.push(pathOf(request));
        answer?.(request, to);
      },
    });
    await machine.files.remove("/x", { recursive: true });
    expect(removed).toEqual(["/x/good", "/x"]);
    expect(context.warnings).toHaveLength(4);
    expect(context.warnings.join("")).not.toMatch(/\p{Cc}/u);
  });

  it("that are long without end are cut off", async () => {
    const name = "n".repeat(200_000);
    let sent = 0;
    const { machine } = await dialled({
      answer: ({ type, id }, { send }) => {
        if (type === OPENDIR) return send(packet(TYPE.handle, number(id), text("h")));
        if (type === CLOSE) return send(status(id, OK));
        sent += name.length;
        send(packet(TYPE.name, number(id), number(1), text(name), text(""), attributes(1n)));
      },
    });
    await expect(machine.files.list("/x")).rejects.toMatchObject({ code: "too_large" });
    expect(sent).toBeLessThan(20 * 1_048_576);
    await machine.ping();
  });

  it("with escapes are data, and in no error and no warning", async () => {
    const evil = "\u001b]0;title\u0007\u009b2J\u202Etxt.exe";
    const { machine } = await dialled({
      answer: ({ id }, { send }) => send(status(id, NO_SUCH_FILE, evil)),
    });
    const failure = await machine.files.stat(`/x/${evil}`).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: "not_found" });
    expect(String(failure)).toMatch(/\\x1b\]0;title\\x07\\x9b2J\\u\{202e\}/);
    expect(String(failure)).not.toMatch(/[\p{Cc}\u202E]/u);
  });
});

describe("a server that does not answer", () => {
  type Begin = (settle: (error: Error | undefined, sftp: unknown) => void) => void;
  const mute = { on: () => undefined, push: () => undefined };
  const sessionOf = (begin: Begin): SftpSession =>
    new SftpSession({ sftp: begin } as unknown as SshClient, new LinkLife(), 20);

  it("fails the request by its deadline, and the next one is asked", async () => {
    const session = sessionOf((settle) => settle(undefined, mute));
    const asked = session.ask("/x\u001b", () => undefined);
    await expect(asked).rejects.toMatchObject({
      code: "timed_out",
      text: expect.stringContaining("/x\\x1b"),
    });
    expect(await session.ask<number>("/y", (_, settle) => settle(undefined, 5))).toBe(5);
  });

  it("to the start of file transfer either: it is started anew with the next request", async () => {
    let starts = 0;
    const session = sessionOf((settle) => {
      if (++starts > 1) settle(undefined, mute);
    });
    const ask = (): Promise<number> => session.ask<number>("/y", (_, settle) => settle(undefined, 5));
    await expect(Promise.all([ask(), ask()])).rejects.toMatchObject({ code: "timed_out" });
    await setImmediate();
    expect(await ask()).toBe(5);
    expect(starts).toBe(2);
  });
});
