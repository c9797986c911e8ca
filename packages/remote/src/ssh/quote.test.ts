import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandLine } from "./command-line.ts";
import { assignments, plainPath, quote } from "./quote.ts";

function sh(line: string): string {
  return execFileSync("/bin/sh", ["-c", line], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], SHELL: "/bin/sh" },
  });
}

describe("quoting for a shell", () => {
  it("any words are the same words in a shell", () => {
    const word = fc.oneof(
      fc.string({ unit: "binary-ascii" }),
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("", "'", "\\", "!", "'\\''", "$(id)", "`id`", "-n", "a b", "\n", "~", "*"),
    );
    const words = fc.array(
      word.map((text) => text.replaceAll("\0", "")),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(words, (given) => {
        const said = sh(`for word in ${given.map(quote).join(" ")}; do printf '%s\\036' "$word"; done`);
        expect(said).toBe(given.map((text) => `${text}\u001e`).join(""));
      }),
      { numRuns: 50 },
    );
  });

  it("a NUL is refused, and a name that is no variable's", () => {
    expect(() => quote("a\0b")).toThrow(expect.objectContaining({ code: "bad_argument" }));
    for (const name of ["", "1A", "A=B", "A B", "A;id"]) {
      expect(() => assignments({ [name]: "" })).toThrow(expect.objectContaining({ code: "bad_environment" }));
    }
  });

  it("a path is never an option, nor searched for in CDPATH", () => {
    expect(["-x", "a", "~", "/a", "./a", "../a"].map(plainPath)).toEqual([
      "./-x",
      "./a",
      "./~",
      "/a",
      "./a",
      "../a",
    ]);
  });
});

describe("a command line", () => {
  const run = (request: Parameters<typeof commandLine>[0], environment = {}): string => {
    const said = sh(commandLine(request, environment, "token") ?? "");
    expect(said).toMatch(/^token [1-9]\d*\n/);
    return said.slice(said.indexOf("\n") + 1);
  };

  it("starts a program with its words, in a directory, with variables", () => {
    expect(run({ command: ["printf", "%s", "a'b $HOME"] })).toBe("a'b $HOME");
    expect(run({ command: ["pwd"], directory: "/usr" })).toBe("/usr\n");
    expect(run({ command: ["sh", "-c", 'printf %s "$A"'] }, { A: "it's\n$B" })).toBe("it's\n$B");
  });

  it("takes a program for a program, even if it looks like an assignment or an option", () => {
    for (const program of ["A=B", "-i"]) {
      expect(() => sh(`${commandLine({ command: [program] }, {}, "token")} 2>/dev/null`)).toThrow(
        expect.objectContaining({ status: 127 }),
      );
    }
  });

  it("gives a line to the user's shell", () => {
    expect(run({ command: 'x="a b"; echo "$x" | tr a-z A-Z' })).toBe("A B\n");
  });

  it("is none for a plain login shell", () => {
    expect(commandLine({ command: undefined }, {}, "token")).toBeUndefined();
    expect(commandLine({ command: undefined, directory: "/" }, {}, "token")).toContain('"$SHELL" -l');
  });
});
