// Questions as distant asks them: what is sent, and what becomes of what comes back.
import { describe, expect, it } from "vitest";
import { Authentication, type AuthenticationMessage } from "../../src/api/index.ts";

interface Stage {
  readonly authentication: Authentication;
  readonly sent: readonly AuthenticationMessage[];
  readonly odd: readonly string[];
}

/** An editor that answers each message at once, or not at all. */
function stage(answer: (message: AuthenticationMessage) => object | undefined): Stage {
  const sent: AuthenticationMessage[] = [];
  const odd: string[] = [];
  const authentication = new Authentication({
    send: (message) => {
      sent.push(message);
      const back = answer(message);
      if (back !== undefined)
        queueMicrotask(() =>
          authentication.receive(JSON.parse(JSON.stringify(back)) as Record<string, unknown>),
        );
    },
    onOdd: (failure) => void odd.push(failure.text),
  });
  return { authentication, sent, odd };
}

/** As distant.nvim answers. */
function likeAnEditor(message: AuthenticationMessage): object | undefined {
  switch (message.type) {
    case "auth_initialization":
      return { type: "auth_initialization_response", methods: message.methods };
    case "auth_challenge":
      return { type: "auth_challenge_response", answers: message.questions.map(() => "secret") };
    case "auth_verification":
      return { type: "auth_verification_response", valid: true };
    default:
      return undefined;
  }
}

describe("questions by lines", () => {
  it("are asked after one beginning, with the older and the newer names", async () => {
    const { authentication, sent, odd } = stage(likeAnEditor);
    expect(await authentication.confirm("the host key is new")).toBe(true);
    const questions = [
      { text: "Password:", echo: false },
      { text: "Code:", echo: true },
    ];
    expect(await authentication.ask(questions, "me@server")).toEqual(["secret", "secret"]);
    authentication.finished();
    expect(sent).toEqual([
      { type: "auth_initialization", methods: ["keyboard_interactive"] },
      { type: "auth_start_method", method: "keyboard_interactive" },
      { type: "auth_verification", kind: "host", text: "the host key is new" },
      {
        type: "auth_challenge",
        questions: [
          { label: "question_1", text: "Password:", options: { echo: "false" }, extra: { echo: "false" } },
          { label: "question_2", text: "Code:", options: { echo: "true" }, extra: { echo: "true" } },
        ],
        options: { instructions: "me@server" },
        extra: { instructions: "me@server" },
      },
      { type: "auth_finished" },
    ]);
    expect(odd).toEqual([]);
  });

  it("wait for one another", async () => {
    const { authentication, sent } = stage(likeAnEditor);
    const all = await Promise.all([
      authentication.confirm("a"),
      authentication.confirm("b"),
      authentication.confirm("c"),
    ]);
    expect(all).toEqual([true, true, true]);
    expect(sent.flatMap((message) => (message.type === "auth_verification" ? [message.text] : []))).toEqual([
      "a",
      "b",
      "c",
    ]);
  });

  it("come to nothing if the answer does not fit", async () => {
    const wrong: [type: string, back: object][] = [
      ["auth_challenge", { type: "auth_challenge_response", answers: [] }],
      ["auth_challenge", { type: "auth_challenge_response", answers: [1] }],
      ["auth_challenge", { type: "auth_challenge_response" }],
      ["auth_initialization", { type: "auth_initialization_response", methods: ["other"] }],
    ];
    for (const [type, back] of wrong) {
      const { authentication } = stage((message) => (message.type === type ? back : likeAnEditor(message)));
      expect(await authentication.ask([{ text: "Password:", echo: false }]), type).toBe(undefined);
    }
    const { authentication } = stage((message) =>
      message.type === "auth_verification"
        ? { type: "auth_verification_response", valid: "yes" }
        : likeAnEditor(message),
    );
    expect(await authentication.confirm("a")).toBe(undefined);
  });

  it("are not answered by what nobody asked for", async () => {
    const { authentication, odd, sent } = stage(likeAnEditor);
    authentication.receive({ type: "auth_challenge_response", answers: ["secret"] });
    expect(odd).toEqual(['nobody waits for "auth_challenge_response"']);
    expect(sent).toEqual([]);
  });

  it("are not answered by an answer to something else", async () => {
    const { authentication, odd } = stage((message) =>
      message.type === "auth_verification"
        ? { type: "auth_challenge_response", answers: ["secret"] }
        : likeAnEditor(message),
    );
    const asked = authentication.confirm("a");
    await expect.poll(() => odd).toEqual(['nobody waits for "auth_challenge_response"']);
    authentication.receive({ type: "auth_verification_response", valid: true });
    expect(await asked).toBe(true);
  });

  it("come to nothing once nobody is there", async () => {
    const { authentication, sent } = stage(() => undefined);
    const asked = authentication.ask([{ text: "Password:", echo: false }]);
    await expect.poll(() => sent.length).toBe(1);
    authentication.close();
    expect(await asked).toBe(undefined);
    expect(await authentication.confirm("a")).toBe(undefined);
    authentication.finished();
    expect(sent).toHaveLength(1);
  });
});
