// What the plugin for this machine refuses, and what its limits are.
import { mkdtemp, rm, writeFile, mkdir, symlink } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hostPlugin } from "../../src/host/host-plugin.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import { contextOf, dialHost } from "./arena.ts";

let folder = "";
let machine: Machine | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-host-"));
});
afterEach(async () => {
  machine?.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function outputOf(command: readonly [string, ...string[]], environment = {}): Promise<string> {
  const process = await machine!.start({ command, environment });
  let text = "";
  process.stdout.on("data", (piece: Buffer) => void (text += piece.toString()));
  process.stderr.resume();
  await process.ended;
  return text;
}

describe("the destination", () => {
  it.each(["host://server", "host://me@localhost", "host://localhost:22", "host://localhost/tmp"])(
    "%s is refused with a hint",
    (text) => {
      expect(() => hostPlugin().open(parseDestination(text), contextOf())).toThrow(
        expect.objectContaining({
          code: "bad_destination",
          kind: "fatal",
          hint: expect.stringContaining("holdfast://") as unknown,
        }),
      );
    },
  );

  it("takes no options", () => {
    const open = (): unknown =>
      hostPlugin().open(parseDestination("host://localhost"), contextOf({ options: { key: "x" } }));
    expect(open).toThrow(expect.objectContaining({ code: "bad_option", kind: "fatal" }));
  });
});

describe("the environment of a process", () => {
  it("has no secret of ours, and what the caller has instead of our own", async () => {
    vi.stubEnv("HOLDFAST_SECRET", "hidden");
    vi.stubEnv("HF_OURS", "ours");
    machine = await dialHost(
      {},
      { environment: { HOME: folder, SSH_AUTH_SOCK: "/agent", DOCKER_HOST: undefined } },
    );
    const lines = (await outputOf(["env"], { HF_GIVEN: "given" })).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining(["HF_OURS=ours", "HF_GIVEN=given", "SSH_AUTH_SOCK=/agent", `HOME=${folder}`]),
    );
    expect(lines.join("\n")).not.toContain("hidden");
    expect((await outputOf(["pwd"])).trim()).toBe(folder);
    expect((await machine.systemInfo()).currentDirectory).toBe(folder);
  });
});

describe.each([undefined, { rows: 24, columns: 80 }])("a program (terminal: %j)", (terminal) => {
  const start = async (program: string, directory?: string): Promise<unknown> => {
    machine = await dialHost();
    return machine.start({
      command: [program],
      ...(terminal === undefined ? {} : { terminal }),
      ...(directory === undefined ? {} : { directory }),
    });
  };

  it("that is not there is not found", async () => {
    await expect(start("holdfast-no-such-program")).rejects.toMatchObject({
      code: "not_found",
      kind: "fatal",
    });
    await expect(start(`${folder}/none`)).rejects.toMatchObject({ code: "not_found" });
  });

  it("that may not be executed is refused", async () => {
    await writeFile(`${folder}/text`, "x", { mode: 0o600 });
    await expect(start(`${folder}/text`)).rejects.toMatchObject({ code: "permission_denied", kind: "fatal" });
  });

  it("is not started in what is no directory", async () => {
    await writeFile(`${folder}/text`, "x");
    await expect(start("true", `${folder}/text`)).rejects.toMatchObject({ code: "not_a_directory" });
    await expect(start("true", `${folder}/none`)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("limits", () => {
  it("bound processes, and a place is free again after the end", async () => {
    machine = await dialHost({ limits: { processes: 2 } });
    const [one] = [await machine.start({ command: ["cat"] }), await machine.start({ command: ["cat"] })];
    await expect(machine.start({ command: ["cat"] })).rejects.toMatchObject({
      code: "too_many",
      kind: "transient",
    });
    one.stdout.resume();
    one.stderr.resume();
    one.stdin.end();
    await one.ended;
    await expect(outputOf(["echo", "on"])).resolves.toBe("on\n");
    await expect(machine.start({ command: ["holdfast-no-such-program"] })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(outputOf(["echo", "on"])).resolves.toBe("on\n");
  });

  it("bound ports and connections", async () => {
    machine = await dialHost({ limits: { listeners: 1, connections: 1 } });
    const listener = await machine.listenTcp("127.0.0.1", 0, () => undefined);
    await expect(machine.listenTcp("127.0.0.1", 0, () => undefined)).rejects.toMatchObject({
      code: "too_many",
    });
    // Both ends would be connections of this link: the one that comes in has no place.
    const connect = machine.connectTcp("127.0.0.1", listener.port).then((stream) => {
      return new Promise((gone) =>
        stream
          .on("error", () => undefined)
          .resume()
          .once("close", gone),
      );
    });
    await connect.catch((error: unknown) => expect(error).toMatchObject({ code: "connection_reset" }));
    await listener.close();
    await (await machine.listenTcp("127.0.0.1", 0, () => undefined)).close();
  });

  it("bound what is read, from what is endless, too", async () => {
    machine = await dialHost({ limits: { readBytes: 1_000 } });
    await writeFile(`${folder}/f`, Buffer.alloc(1_001));
    await expect(machine.files.read(`${folder}/f`)).rejects.toMatchObject({ code: "too_large" });
    await expect(machine.files.read("/dev/zero")).rejects.toMatchObject({ code: "too_large" });
    await expect(machine.files.read("/dev/zero", { length: 1_001 })).rejects.toMatchObject({
      code: "too_large",
    });
    expect((await machine.files.read("/dev/zero", { length: 1_000 })).length).toBe(1_000);
    expect((await machine.files.read(`${folder}/f`, { offset: 1 })).length).toBe(1_000);
  });
});

describe("names that somebody made up", () => {
  it("are in errors with control characters escaped", async () => {
    machine = await dialHost();
    const evil = `${folder}/\u001b]0;x\u0007\u009b2J\u202E`;
    const process = await machine.start({ command: ["true"] });
    const asked = [
      machine.files.read(evil),
      machine.files.list(evil),
      machine.files.rename(evil, evil),
      machine.start({ command: [evil] }),
      machine.start({ command: ["true"], directory: evil }),
      machine.start({ command: ["true"], environment: { [evil]: "x" } }),
      machine.start({ command: [evil], terminal: { rows: 24, columns: 80 } }),
      process.signal(evil),
    ];
    for (const one of await Promise.allSettled(asked)) {
      expect(one).toMatchObject({ status: "rejected", reason: { name: "HoldfastError" } });
      const { message, hint } = (one as PromiseRejectedResult).reason as { message: string; hint?: string };
      expect(`${message} ${hint}`).not.toMatch(/[\p{Cc}\u202E]/u);
      expect(message).toMatch(/(\\x|\\u00)1b\]0;x/);
    }
  });
});

describe("files", () => {
  it("a pipe that nobody feeds holds nothing up", async () => {
    machine = await dialHost();
    execFileSync("mkfifo", [`${folder}/pipe`]);
    const { files } = machine;
    const reads = Array.from({ length: 8 }, () => files.read(`${folder}/pipe`));
    expect((await Promise.all(reads)).map(({ length }) => length)).toEqual(
      Array.from({ length: 8 }, () => 0),
    );
    await expect(files.write(`${folder}/pipe`, Buffer.from("x"))).rejects.toMatchObject({
      code: "not_a_file",
    });
    expect((await files.stat(`${folder}/pipe`)).type).toBe("other");
  });

  it("a slash or a dot at the end of a link's name does not lead a removal astray", async () => {
    machine = await dialHost();
    await mkdir(`${folder}/kept`);
    await writeFile(`${folder}/kept/f`, "x");
    await symlink("kept", `${folder}/link`);
    for (const end of [".", "..", "./", "../"]) {
      const removal = machine.files.remove(`${folder}/link/${end}`, { recursive: true });
      await expect(removal).rejects.toMatchObject({ code: "bad_path" });
    }
    await expect(machine.files.remove("/", { recursive: true })).rejects.toMatchObject({ code: "bad_path" });
    await machine.files.remove(`${folder}/link/`, { recursive: true });
    expect(await machine.files.exists(`${folder}/kept/f`)).toBe(true);
    expect(await machine.files.exists(`${folder}/link`)).toBe(false);
  });

  it("a name that is no text is left out and reported", async () => {
    const warnings: string[] = [];
    machine = await dialHost({}, { warn: (text) => void warnings.push(text) });
    await writeFile(Buffer.from(`${folder}/\u00ff`, "latin1"), "x");
    await writeFile(`${folder}/good`, "x");
    expect(await machine.files.list(folder)).toEqual([{ name: "good", type: "file" }]);
    expect(warnings).toHaveLength(1);
  });

  it("relative paths begin at the caller's home", async () => {
    machine = await dialHost({}, { environment: { HOME: folder } });
    await machine.files.write("f", Buffer.from("x"));
    expect(await machine.files.exists(`${folder}/f`)).toBe(true);
  });
});
