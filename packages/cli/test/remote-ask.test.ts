// What a far side asks, on a terminal: by a daemon of this test, which shows one connection and puts one question.
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import {
  openControl,
  timestamp,
  type DaemonRequest,
  type EntryFields,
  type QuestionPush,
} from "@holdfast/control";
import { VERSION } from "../src/version.ts";
import { build, makeHome, PATIENCE } from "./command.ts";

beforeAll(build, 120_000);
// Each test runs a dozen commands, one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const hasScript = spawnSync("script", ["--version"]).error === undefined;
if (!hasScript)
  process.stderr.write("skipped: `script` (util-linux) is not installed, so nobody was asked anything\n");

type Asked = Pick<QuestionPush, "kind" | "about" | "questions">;

/** What it was asked for. Of an answer that is not the right one it says that the login was refused. */
async function askingDaemon(home: string, question: Asked, right: string): Promise<DaemonRequest[]> {
  const requests: DaemonRequest[] = [];
  const host = await openControl({
    command: "daemon",
    version: VERSION,
    runtimeFolder: join(home, "run"),
    carryOut: async (request, peer) => {
      requests.push(request);
      if (request.type === "connect") {
        if (requests.length === 1) setImmediate(() => ask());
        return { type: "connect_initiated", id: item.id, joined: requests.length > 1 };
      }
      if (request.type !== "answer") throw new Error(`nobody expected ${request.type}`);
      status = { ...status, ...(request.answers?.[0] === right ? CONNECTED : REFUSED), since: timestamp(2) };
      setImmediate(() => item.changed());
      return { type: "answered", question: request.question };
      function ask(): void {
        peer.push({ type: "question", id: item.id, question: 1, ...question });
        status = { ...status, state: "auth_required", phase: null, prompt: "?", since: timestamp(1) };
        item.changed();
      }
    },
  });
  onTestFinished(() => host.close());
  let status: EntryFields<"connection"> = {
    ...CONNECTED,
    state: "connecting",
    phase: "dialing",
    since: timestamp(0),
  };
  const item = host.add({
    kind: "connection",
    name: "far",
    status: () => status,
    disconnect: () => item.remove(),
  });
  return requests;
}

const CONNECTED: EntryFields<"connection"> = {
  state: "connected",
  phase: null,
  epoch: 1,
  attempt: 0,
  failures: 0,
  since: timestamp(0),
  last_heard: null,
  delay_ms: null,
  retry_at: null,
  draining: false,
  failure: null,
  reason: null,
  prompt: null,
  destination: "ssh://far",
  plugin: "ssh",
  liveness_timeout_ms: null,
  kept: true,
  forwards: 0,
};
const REFUSED: Partial<EntryFields<"connection">> = {
  state: "disconnected",
  phase: null,
  reason: {
    code: "failed",
    failures: 1,
    error: {
      code: "login_refused",
      message: "the login was refused",
      kind: "unauthorized",
      fault: "peer",
      retryable: true,
      retry_after_ms: null,
      hint: null,
    },
  },
};

interface Terminal {
  readonly output: () => string;
  readonly type: (text: string) => void;
  says(pattern: RegExp): Promise<void>;
}

/** `holdfast connect` on a terminal of its own; at its end its exit code stands there. */
function connectOnTerminal(home: string): Terminal {
  const line = `${process.execPath} ${main} connect ssh://far; echo exit $?`;
  const child = spawn("script", ["-qfec", line, "/dev/null"], {
    env: { PATH: process.env["PATH"], HOME: home, HOLDFAST_HOME: home, TERM: "dumb" },
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  onTestFinished(() => void child.kill("SIGKILL"));
  return {
    output: () => text,
    type: (typed) => child.stdin.write(typed),
    says: (pattern) => vi.waitFor(() => expect(text).toMatch(pattern), PATIENCE),
  };
}

const PASSWORD: Asked = {
  kind: "ask",
  about: "Welcome\u001B[2J",
  questions: [{ text: "password\u0007: ", echo: false }],
};

test.runIf(hasScript)("a password is asked for and not shown, whatever is corrected meanwhile", async () => {
  const home = await makeHome();
  const requests = await askingDaemon(home, PASSWORD, "open sesame");
  const terminal = connectOnTerminal(home);
  await terminal.says(/password\\x07: /);
  expect(terminal.output()).toContain("Welcome\\x1b[2J");
  terminal.type("wrong\u0015open word\u0017sesamee\u007f\r");
  await terminal.says(/far \(1\): connected[^]*exit 0/);
  expect(requests[0]).toMatchObject({ type: "connect", attended: true });
  expect(requests.find(({ type }) => type === "answer")).toMatchObject({ answers: ["open sesame"] });
  expect(terminal.output()).not.toMatch(/sesame|wrong/);
});

test.runIf(hasScript)("a refused login is exit 3", async () => {
  const home = await makeHome();
  await askingDaemon(home, PASSWORD, "open sesame");
  const terminal = connectOnTerminal(home);
  await terminal.says(/password/);
  terminal.type("nonsense\r");
  await terminal.says(/error: the login was refused[^]*exit 3/);
});

test.runIf(hasScript)("yes or no is asked for until it is one of them", async () => {
  const home = await makeHome();
  const question = { text: "is the key SHA256:x right?", echo: true };
  const requests = await askingDaemon(home, { kind: "confirm", about: null, questions: [question] }, "yes");
  const terminal = connectOnTerminal(home);
  await terminal.says(/is the key SHA256:x right\? \(yes\/no\) /);
  terminal.type("perhaps\r");
  await terminal.says(/perhaps[^]*please say yes or no: /);
  terminal.type("Yes\r");
  await terminal.says(/connected[^]*exit 0/);
  expect(requests.find(({ type }) => type === "answer")).toMatchObject({ answers: ["yes"] });
});

test.runIf(hasScript)("Ctrl-C and Ctrl-D end it, and nobody has answered", async () => {
  for (const [key, says] of [
    ["\u0003", /cancelled by SIGINT[^]*exit 1/],
    ["\u0004", /nobody answered: password[^]*exit 3/],
  ] as const) {
    const home = await makeHome();
    const requests = await askingDaemon(home, PASSWORD, "open sesame");
    const terminal = connectOnTerminal(home);
    await terminal.says(/password/);
    terminal.type(key);
    await terminal.says(says);
    const answers = requests.filter(({ type }) => type === "answer");
    expect(answers.every((answer) => answer.type === "answer" && answer.answers === null)).toBe(true);
  }
});

test("without a terminal nobody is asked", async () => {
  const home = await makeHome();
  const requests = await askingDaemon(home, PASSWORD, "open sesame");
  // A session of its own has no terminal.
  const child = spawn(process.execPath, [main, "connect", "ssh://far"], {
    detached: true,
    env: { PATH: process.env["PATH"], HOME: home, HOLDFAST_HOME: home },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code, stderr).toBe(3);
  expect(requests[0]).toMatchObject({ attended: false });
});
