// Shells on a machine, on a real terminal: keys, escapes, sizes, and a terminal that is put back however it ends.
import { beforeAll, describe, expect, test, vi } from "vitest";
import { build, killDaemon, makeHome, run } from "./command.ts";
import { onTerminal, type OnTerminal } from "./on-terminal.ts";
import { MAIN } from "./raw-command.ts";

// A test is a dozen processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });
beforeAll(build, 120_000);

const ESC = "\u001B";
const HOLDFAST = `'${process.execPath}' '${MAIN}'`;

async function connected(): Promise<string> {
  const home = await makeHome();
  const { code, stderr } = await run(["connect", "host://localhost", "--name", "here"], { home });
  expect(code, stderr).toBe(0);
  return home;
}

/** Run the command on a terminal between two looks at how that is set. */
function between(home: string, command: string): Promise<OnTerminal> {
  const line = `echo before $(stty -g); ${HOLDFAST} ${command}; echo "code $?"; echo after $(stty -g)`;
  return onTerminal(line, { home });
}

function shell(home: string): Promise<OnTerminal> {
  return between(home, "shell --env PS1='> '");
}

/** The command has ended with this code, and left the terminal as it was. */
async function restored(terminal: OnTerminal, code: number): Promise<void> {
  await terminal.shows(new RegExp(`code ${code}\\r\\n`));
  const after = await terminal.shows(/after (\S+)\r\n/);
  expect(/before (\S+)\r\n/.exec(terminal.shown)?.[1]).toBe(after[1]);
  expect(await terminal.ended).toEqual({ code: 0 });
}

describe("a shell", () => {
  test("has a terminal of our size, which follows; its exit code is ours; the terminal is put back", async () => {
    const terminal = await shell(await connected());
    terminal.type("stty size; tty >/dev/null && echo is a terminal\r");
    await terminal.shows(/30 100\r+\n/);
    await terminal.shows(/is a terminal\r+\n/);
    terminal.resize(40, 120);
    await terminal.typeUntil("stty size\r", /40 120\r+\n/);
    terminal.type("exit 6\r");
    await restored(terminal, 6);
  });

  test("Ctrl-C and Ctrl-D are the far program's", async () => {
    const terminal = await shell(await connected());
    // It says so once it listens: a key in the middle of a shell's start of a program may go to nobody.
    const listener = `trap "echo cau""ght; exit" INT; echo re""ady; while :; do sleep 0.1; done`;
    terminal.type(`sh -c '${listener}'\r`);
    await terminal.shows(/ready\r+\n/);
    terminal.type("\u0003");
    await terminal.shows(/caught\r+\n/);
    terminal.type("echo go''ing on\r");
    await terminal.shows(/going on\r+\n/);
    terminal.type("\u0004");
    await terminal.shows(/code \d+\r\n/);
  });

  test("bytes are shown as they come: a line feed alone stays alone", async () => {
    const terminal = await between(await connected(), `exec -t -- sh -c "stty -opost; printf 'one\\\\ntwo'"`);
    await terminal.shows(/one\ntwo/);
    await restored(terminal, 0);
  });
});

describe("escapes", () => {
  test("~? helps, ~s tells, ~r reconnects, ~~ is a tilde, ~. ends it", async () => {
    const home = await connected();
    const terminal = await shell(home);
    terminal.type("cat\r");
    terminal.type("~?");
    await terminal.shows(/\[holdfast\] +~\. +end this shell/);
    terminal.type("~s");
    await terminal.shows(/\[holdfast\] connection \d+ \(here\) to host:\/\/localhost: connected/);
    await terminal.shows(/last heard .* ago, 1 link so far/);
    terminal.type("~r");
    await terminal.shows(/\[holdfast\] connection \d+: dialling now/);
    await terminal.typeUntil("~s", /2 links so far/);
    // What ran over the first link goes on there.
    terminal.type("still ~here\r~~ one\r");
    await terminal.shows(/still ~here\r+\n/);
    await terminal.shows(/[^~]~ one\r+\n/);
    terminal.type("~.");
    await terminal.shows(/\[holdfast\] ended by ~\./);
    await restored(terminal, 255);
  });
});

describe("a shell whose daemon is killed", () => {
  test("ends with 255 and a message, on a terminal that can be used", async () => {
    const home = await connected();
    const terminal = await shell(home);
    // As a full-screen program leaves it.
    terminal.type("printf '\\033[?1049h\\033[?25l\\033[?1000h'; echo draw''ing\r");
    await terminal.shows(/drawing\r+\n/);
    await killDaemon(home);
    await terminal.shows(new RegExp(`${ESC}\\[\\?1049l${ESC}\\[\\?25h${ESC}\\[\\?1000l`));
    await terminal.shows(/error:.* the daemon has ended, and what ran through it with it/);
    await restored(terminal, 255);
  });

  test("also without anything to restore", async () => {
    const home = await connected();
    // What is typed would be shown before anything runs; this comes from the far side alone.
    const terminal = await between(home, `exec -t -- sh -c "echo re''ady; exec cat"`);
    await terminal.shows(/ready\r+\n/);
    await killDaemon(home);
    await restored(terminal, 255);
    expect(terminal.shown).not.toContain("1049l");
  });
});

describe("a command on a terminal that is told to end", () => {
  test.each(["TERM", "HUP"])("by %s hangs up the far terminal, and puts its own back", async (name) => {
    const home = await connected();
    const far = `sh -c "trap 'exit 3' HUP; echo re''ady; while :; do sleep 0.1; done"`;
    const terminal = await onTerminal(
      `echo before $(stty -g); trap : HUP; exec 3<&0; ${HOLDFAST} exec -t -- ${far} <&3 & pid=$!; echo "pid $pid"; ` +
        `wait $pid; echo "code $?"; echo after $(stty -g)`,
      { home },
    );
    const [, pid] = await terminal.shows(/pid (\d+)\r+\n/);
    await terminal.shows(/ready\r+\n/);
    process.kill(Number(pid), `SIG${name}`);
    await restored(terminal, 3);
  });
});
