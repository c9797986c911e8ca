// A cut that is resumed loses nothing: output, exit codes, input, sizes, connections, files.
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { cutOnce, readAll, sha256, startStage, until } from "./stage.ts";

const MIB = 1_048_576;
/** A line dials at most ten times in ten seconds, whatever its delays are. */
const MANY_CUTS_MS = 120_000;

describe("a machine over a session that is cut", () => {
  it(
    "gives 8 MiB of output whole over 20 cuts, and the exit code",
    async () => {
      const stage = await startStage();
      const folder = await mkdtemp(join(tmpdir(), "holdfast-native-"));
      onTestFinished(() => rm(folder, { recursive: true }));
      const bytes = randomBytes(8 * MIB);
      await stage.machine.files.write(`${folder}/in`, bytes);
      // 20 pieces, each behind a line of stdin, so that every cut is in the middle.
      const line = `i=0; while [ $i -lt 20 ]; do dd if="${folder}/in" bs=419431 skip=$i count=1 2>/dev/null; read x; i=$((i+1)); done; exit 7`;
      const process = await stage.machine.start({ command: ["sh", "-c", line] });
      process.stderr.resume();
      let came = 0;
      process.stdout.on("data", (piece: Buffer) => void (came += piece.length));
      const all = readAll(process.stdout);
      for (let i = 0; i < 20; i++) {
        await until(() => came > i * 419_431);
        await cutOnce(stage);
        process.stdin.write("on\n");
      }
      expect(await process.ended).toEqual({ code: 7 });
      const output = await all;
      expect(output.length).toBe(8 * MIB);
      expect(sha256(output)).toBe(sha256(bytes));
      expect(stage.line.line.status.epoch).toBeGreaterThanOrEqual(21);
      expect(stage.server.services.length).toBe(1);
    },
    MANY_CUTS_MS,
  );

  it(
    "takes 4 MiB of input whole over cuts",
    async () => {
      const stage = await startStage();
      const bytes = randomBytes(4 * MIB);
      const process = await stage.machine.start({ command: ["sha256sum"] });
      process.stderr.resume();
      const hash = readAll(process.stdout);
      for (let at = 0; at < bytes.length; at += MIB / 2) {
        if (!process.stdin.write(bytes.subarray(at, at + MIB / 2))) await once(process.stdin, "drain");
        await cutOnce(stage);
      }
      process.stdin.end();
      expect((await hash).toString()).toContain(sha256(bytes));
      expect(await process.ended).toEqual({ code: 0 });
    },
    MANY_CUTS_MS,
  );

  it("tells an exit that happened while away, with the output before it", async () => {
    const stage = await startStage();
    const process = await stage.machine.start({ command: ["sh", "-c", "read x; echo last; exit 3"] });
    process.stderr.resume();
    const text = readAll(process.stdout);
    await stage.proxy.refuse();
    process.stdin.write("go\n");
    stage.proxy.cut();
    await until(() => stage.line.line.status.state === "reconnecting");
    await stage.proxy.heal();
    expect(await process.ended).toEqual({ code: 3 });
    expect((await text).toString()).toBe("last\n");
  });

  it("applies the last of many sizes that were asked for while away", async () => {
    const stage = await startStage();
    const process = await stage.machine.start({
      command: ["sh", "-c", "while :; do stty size; sleep 0.05; done"],
      terminal: { rows: 24, columns: 80 },
    });
    let text = "";
    process.stdout.on("data", (piece: Buffer) => void (text += piece.toString()));
    await until(() => text.includes("24 80"));
    await stage.proxy.refuse();
    stage.proxy.cut();
    await until(() => stage.line.line.status.state === "reconnecting");
    for (let i = 1; i <= 50_000; i++) process.resize({ rows: 40, columns: 1 + (i % 100) });
    process.resize({ rows: 50, columns: 132 });
    await stage.proxy.heal();
    await until(() => text.includes("50 132"));
    await process.signal("KILL");
    await process.ended;
  });

  it(
    "keeps a connection over cuts, half-closed both ways",
    async () => {
      const stage = await startStage();
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        const pieces: Buffer[] = [];
        socket.on("data", (piece) => void pieces.push(piece));
        socket.on("end", () => socket.end(Buffer.concat(pieces)));
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
      onTestFinished(() => void server.close());
      const bytes = randomBytes(2 * MIB);
      const socket = await stage.machine.connectTcp("127.0.0.1", (server.address() as AddressInfo).port);
      const back = readAll(socket);
      for (let at = 0; at < bytes.length; at += MIB / 4) {
        if (!socket.write(bytes.subarray(at, at + MIB / 4))) await once(socket, "drain");
        await cutOnce(stage);
      }
      socket.end();
      expect(sha256(await back)).toBe(sha256(bytes));
    },
    MANY_CUTS_MS,
  );

  it("reads and writes files whole over cuts", async () => {
    const stage = await startStage();
    const folder = await mkdtemp(join(tmpdir(), "holdfast-native-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const bytes = randomBytes(8 * MIB + 1);
    const [path, again] = [`${folder}/f`, `${folder}/g`];
    const writing = stage.machine.files.write(path, bytes);
    await cutOnce(stage);
    await writing;
    const reading = stage.machine.files.read(path);
    await cutOnce(stage);
    expect(sha256(await reading)).toBe(sha256(bytes));
    const many = Array.from({ length: 200 }, (_, i) =>
      stage.machine.files.read(path, { offset: i, length: 3 }),
    );
    await cutOnce(stage);
    expect((await Promise.all(many)).every((piece, i) => bytes.subarray(i, i + 3).equals(piece))).toBe(true);
    await stage.machine.files.write(again, new Uint8Array());
    expect((await stage.machine.files.stat(again)).size).toBe(0);
  });
});
