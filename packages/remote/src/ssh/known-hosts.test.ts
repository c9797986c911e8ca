import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { appendKnownHost, readKnownHosts } from "./known-hosts-file.ts";
import { judgeKey, knownHostLine, knownName, matchesPatterns, parseKnownHosts } from "./known-hosts.ts";

function key(type = "ssh-ed25519"): Buffer {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  return Buffer.concat([length, name, randomBytes(36)]);
}

const [one, two] = [key(), key()];
const base64 = (bytes: Buffer): string => bytes.toString("base64");
const judge = (text: string, name: string, shown = one): string =>
  judgeKey(name, shown, parseKnownHosts(text, "f")).kind;

describe("known_hosts", () => {
  it("a key is itself however its base64 is written", () => {
    const padded = Buffer.concat([one, Buffer.of(1)]);
    const written = base64(padded).replace(/=+$/, "");
    expect(written).not.toBe(base64(padded));
    expect(judge(`host ssh-ed25519 ${written}`, "host", padded)).toBe("known");
    const both = `host ssh-ed25519 ${base64(padded)}\n@revoked * ssh-ed25519 ${written}`;
    expect(judge(both, "host", padded)).toBe("revoked");
  });

  it.each([
    ["a plain name", `host ssh-ed25519 ${base64(one)}`, "host", "known"],
    ["a name in other letters", `HOST ssh-ed25519 ${base64(one)}`, "host", "known"],
    ["a list", `a,host,10.0.0.1 ssh-ed25519 ${base64(one)} me@here`, "10.0.0.1", "known"],
    ["a pattern", `*.example.org ssh-ed25519 ${base64(one)}`, "a.example.org", "known"],
    ["a pattern with one letter open", `host? ssh-ed25519 ${base64(one)}`, "host1", "known"],
    ["a name that is left out", `*.org,!bad.org ssh-ed25519 ${base64(one)}`, "bad.org", "unknown"],
    ["a port of its own", `[host]:2222 ssh-ed25519 ${base64(one)}`, knownName("host", 2222), "known"],
    ["another port", `host ssh-ed25519 ${base64(one)}`, knownName("host", 2222), "unknown"],
    ["another host", `other ssh-ed25519 ${base64(one)}`, "host", "unknown"],
    ["another key", `host ssh-ed25519 ${base64(two)}`, "host", "changed"],
    [
      "one of several keys",
      `host ssh-ed25519 ${base64(two)}\nhost ssh-ed25519 ${base64(one)}`,
      "host",
      "known",
    ],
    ["a key of another type", `host ssh-rsa ${base64(key("ssh-rsa"))}`, "host", "changed"],
    ["a hashed name", knownHostLine("host", one, randomBytes(20)), "host", "known"],
    [
      "a hashed name with its port",
      knownHostLine("[host]:2222", one, randomBytes(20)),
      "[host]:2222",
      "known",
    ],
    ["another hashed name", knownHostLine("other", one, randomBytes(20)), "host", "unknown"],
    ["a comment", `# host ssh-ed25519 ${base64(one)}\n\n`, "host", "unknown"],
    ["a revoked key", `@revoked * ssh-ed25519 ${base64(one)}`, "host", "revoked"],
    [
      "a revoked key that is accepted elsewhere",
      `host ssh-ed25519 ${base64(one)}\n@revoked host ssh-ed25519 ${base64(one)}`,
      "host",
      "revoked",
    ],
    [
      "another revoked key",
      `@revoked * ssh-ed25519 ${base64(two)}\nhost ssh-ed25519 ${base64(one)}`,
      "host",
      "known",
    ],
    ["an authority", `@cert-authority * ssh-ed25519 ${base64(one)}`, "host", "unknown"],
  ])("%s", (_, text, name, verdict) => {
    expect(judge(text, name)).toBe(verdict);
  });

  it("skips what it cannot read, and says which line", () => {
    const bad = [
      "host",
      "host ssh-ed25519",
      "host ssh-ed25519 !!!",
      "@other h ssh-ed25519 x",
      `host ssh-rsa ${base64(one)}`,
      `|1|x ssh-ed25519 ${base64(one)}`,
    ];
    const { lines, problems } = parseKnownHosts(
      [...bad, `host ssh-ed25519 ${base64(one)}`].join("\n"),
      "file",
    );
    expect(lines).toHaveLength(1);
    expect(problems).toEqual(bad.map((_line, index) => expect.stringContaining(`file:${index + 1}:`)));
  });

  it("takes a line that OpenSSH hashed", () => {
    // `ssh-keygen -H` made it of `[host]:2222`.
    const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIH+uViFtZHv4aGYgiMrE1NeH+mRBDRbm2f2DXCR1D0dB";
    const line = `|1|VxYklkgkDldTjVEFQ9UqDn3ffEM=|ghAM15q2b3VKtpBcpu/NWs1JTy0= ssh-ed25519 ${blob}`;
    const shown = Buffer.from(blob, "base64");
    expect(judge(line, knownName("HOST", 2222), shown)).toBe("known");
    expect(judge(line, "host", shown)).toBe("unknown");
  });

  it("survives any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseKnownHosts(text, "f")));
    expect(matchesPatterns("a".repeat(1_000), [`${"*a".repeat(200)}b`])).toBe(false);
  });
});

describe("known_hosts files", () => {
  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "holdfast-known-"));
    onTestFinished(() => rm(path, { recursive: true }));
    return path;
  }

  it("a new line begins on a line of its own, in a file for its owner alone", async () => {
    const file = join(await folder(), "new", "known_hosts");
    await appendKnownHost(file, "one");
    await writeFile(file, "cut off", { flag: "a" });
    await appendKnownHost(file, "two");
    expect(await readFile(file, "utf8")).toBe("one\ncut off\ntwo\n");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("many that write at once never interleave", async () => {
    const file = join(await folder(), "known_hosts");
    const lines = Array.from({ length: 50 }, (_, index) => `${index} ${"x".repeat(1_000)}`);
    await Promise.all(lines.map((line) => appendKnownHost(file, line)));
    const written = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
    expect(written.toSorted()).toEqual(lines.toSorted());
  });

  it("all files are read, and one that is not there says nothing", async () => {
    const path = await folder();
    await writeFile(join(path, "a"), `host ssh-ed25519 ${base64(one)}\n`);
    await writeFile(join(path, "b"), `other ssh-ed25519 ${base64(two)}\nbad line\n`);
    const known = await readKnownHosts([join(path, "a"), join(path, "none"), join(path, "b"), path]);
    expect(known.lines.map(({ names }) => names)).toEqual(["host", "other"]);
    expect(known.problems).toEqual([expect.stringContaining("b:2"), expect.stringContaining("EISDIR")]);
  });
});
