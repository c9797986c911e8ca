// What a server says reaches people with control characters escaped: in errors, in warnings and in questions.
import type { AuthContext, Session } from "ssh2";
import { describe, expect, it } from "vitest";
import type { Interaction, Question } from "../../src/index.ts";
import { peerLines, peerText } from "../../src/plugin/peer-text.ts";
import { OddServer } from "./odd-server.ts";

const EVIL = "\u001b]0;owned\u0007\u009b2J\u202Egnp.exe\u2028\r";
const RAW = /[\p{Cc}\u2028\u202E]/u;

/** Who is asked, and answers nothing of use. */
class Listener implements Interaction {
  readonly attended = true;
  readonly questions: Question[] = [];
  readonly abouts: string[] = [];

  ask(questions: readonly Question[], about = ""): Promise<readonly string[]> {
    this.questions.push(...questions);
    this.abouts.push(about);
    return Promise.resolve(questions.map(() => "answer"));
  }

  confirm(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

const asks = (context: AuthContext): void => {
  if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
  context.prompt(
    [
      { prompt: `Code ${EVIL}`, echo: true },
      { prompt: "x".repeat(5_000), echo: false },
    ],
    `Title ${EVIL}`,
    `First line\nsecond ${EVIL}\r\nthird`,
    () => context.accept(),
  );
};

describe("questions of a server", () => {
  it("are asked with control characters escaped, on lines of their own, and not at any length", async () => {
    const server = await OddServer.start({ authenticate: asks });
    const person = new Listener();
    await server.dial(server.context(), person);
    const [code, long] = person.questions;
    expect(code).toEqual({ text: expect.stringMatching(/^Code \\x1b\]0;owned\\x07\\x9b2J/), echo: true });
    expect(long?.text.length).toBeLessThanOrEqual(1_024);
    expect(long?.echo).toBe(false);
    const [about = ""] = person.abouts;
    expect(about.split("\n")).toHaveLength(5);
    expect(about).toMatch(/^me@127\.0\.0\.1\nTitle .*\nFirst line\nsecond .*\nthird$/);
    expect(person.abouts).toHaveLength(1);
    for (const text of [code?.text ?? "", about.replaceAll("\n", "")]) expect(text).not.toMatch(RAW);
  });
});

describe("errors", () => {
  const refusing = (context: AuthContext): void => context.reject([`password${EVIL}` as "password"]);

  it("name the methods of a server with control characters escaped", async () => {
    const server = await OddServer.start({ authenticate: refusing });
    const failure = await server.dial().catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: "auth_required" });
    expect(String(failure)).toContain("password\\x1b");
    expect(JSON.stringify([String(failure), (failure as { prompt?: string }).prompt])).not.toContain(
      "\\u001b",
    );
    expect(String(failure)).not.toMatch(RAW);
  });

  it("tell what the far side says of a signal with control characters escaped", async () => {
    const onSession = (session: Session): void =>
      void session.on("exec", (accept, _, { command }) => {
        const channel = accept();
        const token = /holdfast-pid-[0-9a-f]+/.exec(command)?.[0];
        if (token !== undefined) return void channel.write(`${token} 17\n`);
        channel.stderr.write(`not permitted ${EVIL}`);
        channel.exit(1);
        channel.end();
      });
    const server = await OddServer.start({ onSession });
    const { machine } = await server.dial();
    const process = await machine.start({ command: ["cat"] });
    process.stdout.resume();
    const failure = await process.signal("TERM").catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: "permission_denied" });
    expect(String(failure)).toContain("not permitted \\x1b]0;owned");
    expect(String(failure)).not.toMatch(RAW);
  });
});

describe("peer text", () => {
  it("is cut, and on one line", () => {
    expect(peerText(`a\nb${"x".repeat(400)}`)).toMatch(/^a\\x0abx{297}…$/);
    expect(peerText("\u0000\u007f\u2066ä€😀")).toBe("\\x00\\x7f\\u{2066}ä€😀");
    expect(peerLines("a\r\nb\rc\td", 100)).toBe("a\nb\\x0dc\\x09d");
  });
});
