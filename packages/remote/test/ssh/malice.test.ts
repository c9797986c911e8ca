// Servers that are odd, or malicious: what they say is checked, bounded, and never believed blindly.
import { randomBytes } from "node:crypto";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Session, SFTPWrapper } from "ssh2";
import { recordAttempt } from "@holdfast/net/compliance";
import { UNATTENDED } from "../../src/index.ts";
import { until } from "../../src/compliance/demands.ts";
import { OddServer } from "./odd-server.ts";

const NO_SUCH_FILE = 2;
const EOF = 1;
const OK = 0;
const FILE = { mode: 0o100644, uid: 0, gid: 0, size: 3, atime: 0, mtime: 1_600_000_000 };
const FOLDER = { ...FILE, mode: 0o040755 };

/** A server whose SFTP does as it is told. */
function withSftp(serve: (sftp: SFTPWrapper) => void): (session: Session) => void {
  return (session) => void session.on("sftp", (accept) => serve(accept()));
}

/** Lists these once. */
function lists(names: readonly string[]): (session: Session) => void {
  return withSftp((sftp) => {
    let given = false;
    sftp.on("OPENDIR", (id) => sftp.handle(id, Buffer.from("h")));
    sftp.on("CLOSE", (id) => sftp.status(id, OK));
    sftp.on("READDIR", (id) => {
      if (given) return sftp.status(id, EOF);
      given = true;
      sftp.name(
        id,
        names.map((filename) => ({ filename, longname: filename, attrs: FILE })),
      );
    });
  });
}

describe("the files of a malicious server", () => {
  it("that have paths for names are left out, and reported", async () => {
    const bad = ["../up", "/etc/passwd", "a/b", "nul\0", "", "evil\u001b[2J/x"];
    const server = await OddServer.start({
      onSession: lists([".", "..", ...bad, "good", "new\nline", "..."]),
    });
    const context = server.context();
    const { machine } = await server.dial(context);
    expect((await machine.files.list("/x")).map(({ name }) => name)).toEqual(["...", "good", "new\nline"]);
    expect(context.warnings).toHaveLength(bad.length);
    expect(context.warnings.join("")).not.toMatch(/\p{Cc}/u);
  });

  it("without end are cut off", async () => {
    const server = await OddServer.start({
      onSession: withSftp((sftp) => {
        sftp.on("OPENDIR", (id) => sftp.handle(id, Buffer.from("h")));
        sftp.on("CLOSE", (id) => sftp.status(id, OK));
        const page = Array.from({ length: 2_000 }, (_, i) => ({
          filename: `${i}`,
          longname: "",
          attrs: FILE,
        }));
        sftp.on("READDIR", (id) => sftp.name(id, page));
      }),
    });
    const { machine } = await server.dial();
    await expect(machine.files.list("/x")).rejects.toMatchObject({ code: "too_large" });
    await machine.ping();
  });

  it("of absurd size are not believed", async () => {
    const size = Number.MAX_SAFE_INTEGER;
    const server = await OddServer.start({
      onSession: withSftp((sftp) => {
        sftp.on("STAT", (id) => sftp.attrs(id, { ...FILE, size, mode: 0o7_777_777, mtime: 4_294_967_295 }));
        sftp.on("OPEN", (id) => sftp.handle(id, Buffer.from("h")));
        sftp.on("CLOSE", (id) => sftp.status(id, OK));
        sftp.on("FSTAT", (id) => sftp.attrs(id, { ...FILE, size }));
        sftp.on("READ", (id, _, __, length) => sftp.data(id, Buffer.alloc(length)));
      }),
    });
    const { machine } = await server.dial();
    const stat = await machine.files.stat("/x");
    expect(stat.size).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    expect(stat.mode).toBe(0o7777);
    await expect(machine.files.read("/x")).rejects.toMatchObject({ code: "too_large" });
    expect(await machine.files.read("/x", { length: 100_000 })).toHaveLength(100_000);
  });

  it.each([0, 1])(
    "that never end, and give %i bytes more than was asked for, are not read on",
    async (more) => {
      const server = await OddServer.start({
        onSession: withSftp((sftp) => {
          sftp.on("OPEN", (id) => sftp.handle(id, Buffer.from("h")));
          sftp.on("CLOSE", (id) => sftp.status(id, OK));
          sftp.on("FSTAT", (id) => sftp.attrs(id, { ...FILE, size: 0 }));
          sftp.on("READ", (id, _, __, length) => sftp.data(id, Buffer.alloc(length + more)));
        }),
      });
      const { machine } = await server.dial();
      await expect(machine.files.read("/x")).rejects.toMatchObject({ code: "too_large" });
    },
  );

  it("that hold themselves are not followed for ever when they are removed", async () => {
    const server = await OddServer.start({
      onSession: withSftp((sftp) => {
        let page = 0;
        sftp.on("LSTAT", (id) => sftp.attrs(id, FOLDER));
        sftp.on("OPENDIR", (id) => sftp.handle(id, Buffer.from("h")));
        sftp.on("CLOSE", (id) => sftp.status(id, OK));
        sftp.on("READDIR", (id) => {
          if (page++ % 2 === 1) return sftp.status(id, EOF);
          sftp.name(id, [{ filename: "again", longname: "", attrs: FOLDER }]);
        });
      }),
    });
    const { machine } = await server.dial();
    await expect(machine.files.remove("/x", { recursive: true })).rejects.toMatchObject({
      code: "too_large",
    });
  });

  it("an answer of the wrong kind is an error, and the link lives on", async () => {
    const server = await OddServer.start({
      onSession: withSftp((sftp) => {
        for (const request of ["OPEN", "OPENDIR", "STAT", "LSTAT"] as const) {
          sftp.on(request, (id: number) => sftp.status(id, OK));
        }
      }),
    });
    const { machine } = await server.dial();
    for (const asked of [
      machine.files.read("/x"),
      machine.files.list("/x"),
      machine.files.stat("/x"),
      machine.files.remove("/x"),
    ]) {
      await expect(asked).rejects.toMatchObject({ name: "HoldfastError" });
    }
    await machine.ping();
  });

  it("words of the server are shown with control bytes escaped", async () => {
    const server = await OddServer.start({
      onSession: withSftp(
        (sftp) => void sftp.on("STAT", (id) => sftp.status(id, 4, `\u001b[2J${"x".repeat(5_000)}`)),
      ),
    });
    const { machine } = await server.dial();
    const error = await machine.files.stat("/x\u0007").catch((thrown: unknown) => thrown as Error);
    expect(String(error)).toMatch(/\\x07.*\\x1b/);
    expect(String(error).length).toBeLessThan(1_000);
    expect(String(error)).not.toMatch(/\p{Cc}/u);
  });

  it("a server without renames that replace is helped", async () => {
    const done: string[] = [];
    const server = await OddServer.start({
      onSession: withSftp((sftp) => {
        sftp.on("LSTAT", (id, path) =>
          path === "/none" ? sftp.status(id, NO_SUCH_FILE) : sftp.attrs(id, FILE),
        );
        sftp.on("REMOVE", (id, path) => (done.push(`remove ${path}`), sftp.status(id, OK)));
        sftp.on("RENAME", (id, from, to) => (done.push(`rename ${from} ${to}`), sftp.status(id, OK)));
      }),
    });
    const { machine } = await server.dial();
    await machine.files.rename("/a", "/b");
    expect(done).toEqual(["remove /b", "rename /a /b"]);
    await expect(machine.files.rename("/none", "/b")).rejects.toMatchObject({ code: "not_found" });
    expect(done).toHaveLength(2);
  });

  it("a server without SFTP says so", async () => {
    const server = await OddServer.start({ onSession: () => undefined });
    const { machine } = await server.dial();
    await expect(machine.files.stat("/x")).rejects.toMatchObject({ code: "refused" });
  });
});

describe("processes on an odd server", () => {
  it("a channel that closes without a word about the process leaves its end unknown", async () => {
    const server = await OddServer.start({
      onSession: (session) => void session.on("exec", (accept) => accept().close()),
    });
    const { machine } = await server.dial();
    const process = await machine.start({ command: ["true"] });
    process.stdout.resume();
    await expect(process.ended).rejects.toMatchObject({ code: "end_unknown" });
    await machine.ping();
  });

  it("an end by a signal has its name", async () => {
    const server = await OddServer.start({
      onSession: (session) =>
        void session.on("exec", (accept) => {
          const channel = accept();
          channel.exit("ABRT" as never);
          channel.end();
        }),
    });
    const { machine } = await server.dial();
    const process = await machine.start({ command: ["true"] });
    process.stdout.resume();
    expect(await process.ended).toEqual({ signal: "ABRT" });
  });

  it("output without an announced process id is passed on whole, and the process cannot be signalled", async () => {
    const output = randomBytes(200_000);
    const server = await OddServer.start({
      onSession: (session) =>
        void session.on("exec", (accept) => {
          const channel = accept();
          channel.write(output, () => {
            channel.exit(0);
            channel.end();
          });
        }),
    });
    const { machine } = await server.dial();
    const process = await machine.start({ command: ["x"] });
    const pieces: Buffer[] = [];
    await expect(process.signal("nonsense")).rejects.toMatchObject({ code: "bad_signal" });
    for await (const piece of process.stdout) pieces.push(piece as Buffer);
    expect(Buffer.concat(pieces).equals(output)).toBe(true);
    expect(await process.ended).toEqual({ code: 0 });
  });

  it("a server that starts nothing is an error", async () => {
    const server = await OddServer.start({
      onSession: (session) => void session.on("exec", (_, reject) => reject()),
    });
    const { machine } = await server.dial();
    await expect(machine.start({ command: "true" })).rejects.toMatchObject({ code: "refused" });
    await expect(machine.systemInfo()).rejects.toMatchObject({ code: "refused" });
  });

  it("a system that is no unix is not guessed at", async () => {
    const server = await OddServer.start({
      onSession: (session) =>
        void session.on("exec", (accept) => {
          const channel = accept();
          channel.end("'exec' is not recognized as an internal or external command\r\n");
          channel.exit(1);
        }),
    });
    const { machine } = await server.dial();
    await expect(machine.systemInfo()).rejects.toMatchObject({ code: "unsupported" });
  });
});

describe("what is no SSH server", () => {
  async function listener(serve: (socket: Socket) => void): Promise<OddServer> {
    const odd = await OddServer.start();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => undefined));
      serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    odd.port = (server.address() as AddressInfo).port;
    return odd;
  }

  it.each<[string, (socket: Socket) => void]>([
    ["a web server", (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["one that ends at once", (socket) => void socket.end()],
    ["one that talks garbage", (socket) => void socket.write("SSH-2.0-x\r\n\0\0\0\u0001garbage")],
    ["one that ends after its name", (socket) => void socket.end("SSH-2.0-x\r\n")],
    ["one that talks without end", (socket) => void socket.write("x".repeat(1_000_000))],
  ])("%s is a failed handshake", async (_, serve) => {
    const odd = await listener(serve);
    await expect(odd.dial()).rejects.toMatchObject({ code: "handshake_failed", fault: "peer" });
  });

  it("and is silent: the dial ends when it is aborted, and leaves nothing", async () => {
    let seen: Socket | undefined;
    const odd = await listener((socket) => (seen = socket));
    const attempt = recordAttempt();
    const dial = odd.backend().dial(attempt, UNATTENDED);
    dial.catch(() => undefined);
    await until(() => seen !== undefined, "the connection");
    seen?.resume();
    attempt.abort(new Error("enough"));
    await expect(dial).rejects.toThrow("enough");
    await until(() => seen?.destroyed === true || seen?.readableEnded === true, "the end of the connection");
  });

  it("and the dial is aborted while it still connects: the reason is the same", async () => {
    const odd = await listener((socket) => void socket.resume());
    const attempt = recordAttempt();
    const dial = odd.backend().dial(attempt, UNATTENDED);
    attempt.abort(new Error("enough"));
    await expect(dial).rejects.toThrow(/^enough$/);
  });

  it("and is not there", async () => {
    const odd = await OddServer.start();
    const { port } = odd;
    await odd.end();
    expect(() => connect(port, "127.0.0.1").on("error", () => undefined)).not.toThrow();
    await expect(odd.dial(odd.context({ config_file: "none" }))).rejects.toMatchObject({
      code: "connection_refused",
    });
  });
});

describe("a server that does not answer any more", () => {
  it("is found dead by keepalives, which are always on", async () => {
    const server = await OddServer.start();
    const { machine, attempt } = await server.dial(
      server.context({ heartbeat_interval_ms: "100", max_heartbeat_failures: "2" }),
    );
    const [client] = server.clients as unknown as { _sock: Socket }[];
    client?._sock.pause();
    const ping = machine.ping();
    await expect(ping).rejects.toMatchObject({ code: "link_lost" });
    expect(attempt.losses).toMatchObject([{ code: "timed_out", fault: "network" }]);
    await expect(machine.start({ command: "true" })).rejects.toMatchObject({ code: "not_connected" });
    client?._sock.resume();
  });
});
