import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openKnownRelays, relayAddress, type KnownRelays } from "@holdfast/trust";
import { describe, expect, test } from "vitest";
import { MAX_PINS, MAX_PINS_PER_RELAY, parseKnownRelays } from "../src/known-relays/known-relays-file.ts";
import { TestClock, Warnings, temporaryFolder } from "./fixture.ts";

/** A fingerprint for each number. */
function print(index: number): string {
  return `SHA256:${Buffer.alloc(32, index).toString("base64").slice(0, 43)}`;
}

interface Kept {
  readonly path: string;
  readonly clock: TestClock;
  readonly warnings: Warnings;
  readonly relays: KnownRelays;
  readonly prints: (host: string, port?: number) => Promise<string[]>;
}

async function keep(): Promise<Kept> {
  const path = join(await temporaryFolder(), "state", "known_relays");
  const clock = new TestClock();
  const warnings = new Warnings();
  const relays = openKnownRelays({ path, clock, onWarning: warnings.add });
  const prints = async (host: string, port = 7836): Promise<string[]> =>
    (await relays.pins(host, port)).map(({ fingerprint }) => fingerprint);
  return { path, clock, warnings, relays, prints };
}

describe("the name of an entry", () => {
  test.each([
    ["Relay.Example.", 7836, "relay.example:7836"],
    ["bücher.example", 1, "xn--bcher-kva.example:1"],
    ["::1", 7836, "[::1]:7836"],
    ["[FE80::1%eth0]", 7836, "[fe80::1%eth0]:7836"],
    ["127.0.0.1", 65_535, "127.0.0.1:65535"],
  ])("%s %i", (host, port, name) => {
    expect(relayAddress(host, port)).toBe(name);
  });

  test.each([
    ["", 1],
    ["a b", 1],
    ["#a", 1],
    ["a\nb:1 x", 1],
    ["a\u001b[31m", 1],
    ["a", Number.NaN],
    ["a", 100_000],
    ["a", -1],
    ["a", 1.5],
  ])("%j %d is none, and never gets into the file", async (host, port) => {
    const { path, relays } = await keep();
    await expect(relays.add(host, port, print(1))).rejects.toMatchObject({
      code: "bad_address",
      kind: "fatal",
    });
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("there are none before the first, and looking makes no file", async () => {
  const { path, relays } = await keep();
  expect(await relays.pins("relay.example", 7836)).toEqual([]);
  await expect(stat(join(path, ".."))).rejects.toMatchObject({ code: "ENOENT" });
});

test("are kept by host and port, privately, with the time, in a file that people can read", async () => {
  const { path, relays, clock, prints } = await keep();
  await relays.add("Relay.Example", 7836, print(1));
  clock.wallMs += 1_000;
  await relays.add("relay.example", 7836, print(2));
  await relays.add("relay.example", 7836, print(1));
  await relays.add("relay.example", 7837, print(3));
  await relays.add("::1", 7836, print(4));
  expect(await prints("relay.example.")).toEqual([print(1), print(2)]);
  expect(await prints("relay.example", 7837)).toEqual([print(3)]);
  expect(await prints("[::1]")).toEqual([print(4)]);
  expect(await prints("other.example")).toEqual([]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(path, ".."))).toEqual(["known_relays"]);
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => !line.startsWith("#"));
  expect(lines).toEqual([
    `relay.example:7836 ${print(1)} 2026-11-22T12:00:00.000Z`,
    `relay.example:7836 ${print(2)} 2026-11-22T12:00:01.000Z`,
    `relay.example:7837 ${print(3)} 2026-11-22T12:00:01.000Z`,
    `[::1]:7836 ${print(4)} 2026-11-22T12:00:01.000Z`,
    "",
  ]);
});

test("a key takes the place of the others, which are forgotten; its time stays if it was known", async () => {
  const { relays, clock, prints } = await keep();
  const since = clock.wallMs;
  await relays.add("a", 1, print(1));
  await relays.add("a", 1, print(2));
  await relays.add("b", 1, print(1));
  clock.wallMs += 1_000;
  await relays.replace("a", 1, print(2));
  expect(await relays.pins("a", 1)).toEqual([{ relay: "a:1", fingerprint: print(2), addedAt: since }]);
  await relays.replace("a", 1, print(3));
  expect(await prints("a", 1)).toEqual([print(3)]);
  expect(await prints("b", 1)).toEqual([print(1)]);
  expect(await relays.forget("a", 1, print(9))).toBe(0);
  await relays.add("a", 1, print(4));
  expect(await relays.forget("a", 1, print(3))).toBe(1);
  expect(await prints("a", 1)).toEqual([print(4)]);
  expect(await relays.forget("A", 1)).toBe(1);
  expect((await relays.all()).map(({ relay }) => relay)).toEqual(["b:1"]);
});

test("what a person wrote or deleted counts at once; other forms of a fingerprint are read", async () => {
  const { path, relays, prints } = await keep();
  await relays.add("a", 1, print(1));
  const hex = Buffer.alloc(32, 7).toString("hex");
  await writeFile(path, `# mine\n\n  b:1   ${hex}\t2026-01-01T00:00:00Z  \n`);
  expect(await prints("a", 1)).toEqual([]);
  expect(await prints("b", 1)).toEqual([print(7)]);
});

test("twenty changes at once are all made", async () => {
  const { path, clock, relays } = await keep();
  const others = Array.from({ length: 5 }, () => openKnownRelays({ path, clock }));
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => (others[i % 5] ?? relays).add(`host-${i}`, 7836, print(i))),
  );
  expect(await relays.all()).toHaveLength(20);
  expect(await readdir(join(path, ".."))).toEqual(["known_relays"]);
});

describe("a damaged file", () => {
  const good = `relay.example:7836 ${print(1)} 2026-11-22T12:00:00.000Z\n`;

  test.each([
    ["a cut last line", good + good.slice(0, 30)],
    ["no line end", good.trimEnd()],
    ["a cut fingerprint", good.replace(/.(?= 2026)/, "")],
    ["no time", good.replace(/ 2026.*/, "")],
    ["a time that is none", good.replace("2026-11", "2026-31")],
    ["too much", good.replace("\n", " more\n")],
    ["no port", good.replace(":7836", "")],
    ["zeros", "\0".repeat(512)],
    ["something else", '{"relays":[]}\n'],
  ])("(%s) is set aside and reported, and no line in it is believed", async (_, text) => {
    const { path, relays, warnings, prints } = await keep();
    await relays.add("relay.example", 7836, print(1));
    await writeFile(path, text);
    const found = await Promise.all(Array.from({ length: 10 }, () => prints("relay.example")));
    expect(found).toEqual(Array.from({ length: 10 }, () => []));
    expect(warnings.codes).toEqual(["corrupt_file"]);
    const aside = (await readdir(join(path, ".."))).filter((name) => name.includes(".corrupt-"));
    expect(aside).toHaveLength(1);
    expect(await readFile(join(path, "..", aside[0] ?? ""), "utf8")).toBe(text);
    await relays.add("relay.example", 7836, print(2));
    expect(await prints("relay.example")).toEqual([print(2)]);
  });

  test("is found by a change as well", async () => {
    const { path, relays, warnings, prints } = await keep();
    await relays.add("relay.example", 7836, print(1));
    await writeFile(path, good.slice(0, 40));
    await relays.add("other.example", 7836, print(2));
    expect(warnings.codes).toEqual(["corrupt_file"]);
    expect(await prints("relay.example")).toEqual([]);
    expect(await prints("other.example")).toEqual([print(2)]);
  });
});

test("are neither read nor changed if the file or its folder is not ours alone", async () => {
  const { path, relays } = await keep();
  await relays.add("a", 1, print(1));
  const before = await readFile(path, "utf8");
  await chmod(path, 0o644);
  await expect(relays.pins("a", 1)).rejects.toMatchObject({ code: "unsafe_file", kind: "fatal" });
  await expect(relays.add("b", 1, print(2))).rejects.toMatchObject({ code: "unsafe_file" });
  await expect(readFile(`${path}.lock`), "no lock stays").rejects.toMatchObject({ code: "ENOENT" });
  expect(await readFile(path, "utf8")).toBe(before);
  await chmod(path, 0o600);
  await chmod(join(path, ".."), 0o770);
  await expect(relays.pins("a", 1)).rejects.toMatchObject({ code: "unsafe_folder" });
  await expect(relays.add("b", 1, print(2))).rejects.toMatchObject({ code: "unsafe_folder" });
});

test("a link in the file's place is not followed", async () => {
  const { path, relays } = await keep();
  await mkdir(join(path, ".."), { mode: 0o700 });
  await writeFile(`${path}.real`, `a:1 ${print(1)} 2026-11-22T12:00:00.000Z\n`, { mode: 0o600 });
  await symlink(`${path}.real`, path);
  await expect(relays.pins("a", 1)).rejects.toMatchObject({ code: "unsafe_file" });
});

test("what is no file in the file's place stays there, and no lock does", async () => {
  const { path, relays } = await keep();
  await mkdir(path, { recursive: true, mode: 0o700 });
  await expect(relays.pins("a", 1)).rejects.toMatchObject({ code: "unsafe_file", kind: "fatal" });
  await expect(relays.add("a", 1, print(1))).rejects.toMatchObject({ code: "unsafe_file" });
  expect(await readdir(join(path, ".."))).toEqual(["known_relays"]);
});

describe("limits", () => {
  test("keys of one relay", async () => {
    const { relays, prints } = await keep();
    for (let i = 0; i < MAX_PINS_PER_RELAY; i++) await relays.add("a", 1, print(i));
    await expect(relays.add("a", 1, print(99))).rejects.toMatchObject({ code: "limit" });
    expect(await prints("a", 1)).toHaveLength(MAX_PINS_PER_RELAY);
  });

  test("relays", async () => {
    const { path, relays } = await keep();
    await relays.add("a", 1, print(1));
    const line = (i: number): string => `h${i}:1 ${print(1)} 2026-11-22T12:00:00.000Z\n`;
    const full = Array.from({ length: MAX_PINS }, (_, i) => line(i)).join("");
    await writeFile(path, full);
    await expect(relays.add("a", 1, print(1))).rejects.toMatchObject({ code: "limit" });
    expect(await relays.all()).toHaveLength(MAX_PINS);
    expect(() => parseKnownRelays(full + line(MAX_PINS))).toThrow("too many");
  });
});
