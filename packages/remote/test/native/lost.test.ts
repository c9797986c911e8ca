// What ends with a session that is lost for good, with a machine that is closed, and with the limits.
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { readAll, startStage, thisMachine, until } from "./stage.ts";

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a session that is lost for good", () => {
  it("rejects with link_lost here, and ends the processes there by TERM, then KILL", async () => {
    const stage = await startStage({ killDelayMs: 300, resumeTtlMs: 300 });
    const mild = await stage.machine.start({ command: ["sh", "-c", "echo $$; exec sleep 600"] });
    const deaf = await stage.machine.start({
      command: ["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.2; done"],
    });
    const pids = await Promise.all(
      [mild, deaf].map(async ({ stdout }) => Number(String((await once(stdout, "data"))[0]))),
    );
    expect(pids.every(alive)).toBe(true);
    await stage.proxy.refuse();
    stage.proxy.cut();
    const reading = stage.machine.files.read("/etc/passwd");
    reading.catch(() => undefined);
    // The server has given it up by then; the client learns of it when it is back.
    await until(() => stage.server.host.size === 0);
    await stage.proxy.heal();
    await expect(mild.ended).rejects.toMatchObject({ code: "link_lost", kind: "transient" });
    await expect(deaf.ended).rejects.toMatchObject({ code: "link_lost" });
    await expect(reading).rejects.toMatchObject({ code: "link_lost" });
    await expect(stage.machine.ping()).rejects.toMatchObject({ code: "not_connected" });
    expect(mild.stdout.destroyed && mild.stdin.destroyed).toBe(true);
    await stage.server.services[0]?.ended;
    await until(() => !pids.some(alive));
  });
});

describe("a machine that is closed", () => {
  it("ends what it started there, and leaves the session alone", async () => {
    const stage = await startStage();
    const process = await stage.machine.start({ command: ["sh", "-c", "echo $$; exec sleep 600"] });
    const pid = Number(String((await once(process.stdout, "data"))[0]));
    const listener = await stage.machine.listenTcp("127.0.0.1", 0, () => undefined);
    stage.machine.close();
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
    await until(() => !alive(pid));
    await until(() => stage.server.services[0]?.processes === 0);
    const socket = connect(listener.port, "127.0.0.1");
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    expect(stage.line.line.status.state).toBe("connected");
    await until(() => [...(stage.line.session?.streams() ?? [])].length === 0);
  });

  it("that the server withdraws ends with link_lost, and another link takes over where there is one", async () => {
    const first = await thisMachine();
    let present = first;
    onTestFinished(() => present.close());
    const stage = await startStage({}, async () => present);
    const process = await stage.machine.start({ command: ["sleep", "600"] });
    present.close();
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
    await expect(stage.machine.ping()).rejects.toMatchObject({ code: "not_connected" });
    present = await thisMachine();
    await stage.server.services[0]?.close();
    await expect(stage.machine.ping()).rejects.toMatchObject({ code: "unsupported", kind: "fatal" });
  });
});

describe("the streams of a process", () => {
  it("do not hold each other up: stderr passes stdout, a signal passes stdin", async () => {
    const stage = await startStage();
    const line =
      "trap 'echo caught >&2; exit 9' USR1; (head -c 33554432 /dev/zero) & echo ready >&2; while :; do sleep 0.05; done";
    const process = await stage.machine.start({ command: ["sh", "-c", line] });
    let errors = "";
    process.stderr.on("data", (piece: Buffer) => void (errors += piece.toString()));
    // Nobody reads stdout, and the process reads no stdin.
    await until(() => errors.includes("ready"));
    process.stdin.write(Buffer.alloc(4_194_304));
    await until(() => process.stdin.writableLength > 0);
    await process.signal("USR1");
    await until(() => errors.includes("caught"));
    process.stdout.resume();
    expect(await process.ended).toEqual({ code: 9 });
  });

  it("go on when stdout is thrown away", async () => {
    const stage = await startStage();
    const process = await stage.machine.start({
      command: ["sh", "-c", "head -c 4194304 /dev/zero; echo over >&2"],
    });
    process.stdout.destroy();
    expect((await readAll(process.stderr)).toString()).toBe("over\n");
    expect(await process.ended).toEqual({ code: 0 });
    await until(() => [...(stage.line.session?.streams() ?? [])].length === 0);
  });

  it("survive a process that closes its stdin", async () => {
    const stage = await startStage();
    const process = await stage.machine.start({
      command: ["sh", "-c", "exec <&-; sleep 0.3; echo on; exit 4"],
    });
    process.stderr.resume();
    process.stdin.write(Buffer.alloc(8_388_608));
    expect((await readAll(process.stdout)).toString()).toBe("on\n");
    expect(await process.ended).toEqual({ code: 4 });
  });
});

describe("the limits of a served machine", () => {
  it("refuse one more process, listener and connection, and take the next when there is room", async () => {
    const stage = await startStage({ limits: { processes: 2, listeners: 1, connections: 1 } });
    const { machine } = stage;
    const first = await machine.start({ command: ["cat"] });
    await machine.start({ command: ["cat"] });
    const limit = { code: "limit", kind: "transient" };
    await expect(machine.start({ command: ["cat"] })).rejects.toMatchObject(limit);
    first.stdout.resume();
    first.stderr.resume();
    first.stdin.end();
    await first.ended;
    await until(() => stage.server.services[0]?.processes === 1);
    await machine.start({ command: ["cat"] });
    const came: Duplex[] = [];
    const listener = await machine.listenTcp("127.0.0.1", 0, (stream) => void came.push(stream));
    await expect(machine.listenTcp("127.0.0.1", 0, () => undefined)).rejects.toMatchObject(limit);
    const socket = connect(listener.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await until(() => came.length === 1);
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await expect(machine.connectTcp("127.0.0.1", port)).rejects.toMatchObject(limit);
    await listener.close();
    await machine.listenTcp("127.0.0.1", 0, () => undefined);
  });

  it("let 1,000 requests at once pass, 64 at a time", async () => {
    const { machine } = await startStage();
    const all = await Promise.all(Array.from({ length: 1_000 }, () => machine.files.exists("/etc/passwd")));
    expect(all.every(Boolean)).toBe(true);
  });
});
