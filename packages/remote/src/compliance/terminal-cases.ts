// Processes with a terminal, and signals.
import type { ProcessRequest } from "../plugin/process.ts";
import { demand, demandSame, readAll, sleep, soon, until, watchText } from "./demands.ts";
import type { PluginCase } from "./plugin-case.ts";
import { runProcess } from "./run-process.ts";

/** What may be kept of a terminal's output, though nobody reads it. */
const MOST_BUFFERED = 4_194_304;
const SIZE = { rows: 31, columns: 97 };
const onTerminal = (line: string, type?: string): ProcessRequest => ({
  command: ["sh", "-c", line],
  terminal: type === undefined ? SIZE : { ...SIZE, type },
});

const terminals: Readonly<Record<string, PluginCase["run"]>> = {
  "all three streams of the process are a terminal": async ({ machine }) => {
    const process = await machine.start(
      onTerminal("test -t 0 && test -t 1 && test -t 2 && echo yes; exit 5"),
    );
    const [out, error] = [readAll(process.stdout, "the terminal"), readAll(process.stderr, "stderr")];
    demandSame((await soon(process.ended, "the end")).code, 5, "the exit code");
    demandSame((await out).toString().trim(), "yes", "whether it is a terminal");
    demandSame((await error).length, 0, "bytes on stderr, which is part of the terminal");
  },
  "the terminal has the size that is asked for": async ({ machine }) => {
    const process = await machine.start(onTerminal("stty size"));
    process.stderr.resume();
    const size = (await readAll(process.stdout, "the terminal")).toString().trim();
    demandSame(size, "31 97", "rows and columns");
    await soon(process.ended, "the end");
  },
  "a new size arrives, and the program is told": async ({ machine }) => {
    const line = "trap 'echo changed' WINCH; echo ready; while :; do stty size; sleep 0.1; done";
    const process = await machine.start(onTerminal(line));
    const text = watchText(process.stdout);
    process.stderr.resume();
    await until(() => text().includes("31 97"), "the first size");
    process.resize({ rows: 50, columns: 132 });
    await until(() => text().includes("50 132"), "the new size");
    await until(() => text().includes("changed"), "WINCH");
    process.stdin.write("\u0003");
    await soon(process.ended, "the end by ^C");
  },
  "TERM is what was asked for, or the default": async ({ machine }) => {
    for (const type of ["vt100", undefined]) {
      const process = await machine.start(onTerminal("echo $TERM", type));
      process.stderr.resume();
      const term = (await readAll(process.stdout, "the terminal")).toString().trim();
      demandSame(term, type ?? "xterm-256color", "TERM");
      await soon(process.ended, "the end");
    }
  },
  "the terminal echoes, and ^C interrupts": async ({ machine }) => {
    const process = await machine.start(onTerminal("echo ready; exec sleep 600"));
    const text = watchText(process.stdout);
    process.stderr.resume();
    await until(() => text().includes("ready"), "the program");
    process.stdin.write("typed\r");
    await until(() => text().includes("typed"), "the echo");
    process.stdin.write("\u0003");
    const end = await soon(process.ended, "the end by ^C");
    demand(end.signal === "INT" || end.code === 130, `^C ended it with ${JSON.stringify(end)}`);
  },
  "256 KiB of output reach the end of a terminal": async ({ machine }) => {
    const line = "i=0; while [ $i -lt 4096 ]; do printf '%063d\\n' $i; i=$((i+1)); done; echo over";
    const process = await machine.start(onTerminal(line));
    process.stderr.resume();
    const lines = (await readAll(process.stdout, "the terminal")).toString().trim().split(/\r?\n/);
    demandSame([lines.length, Number(lines[4_095]), lines[4_096]], [4_097, 4_095, "over"], "the lines");
    await soon(process.ended, "the end");
  },
  "output that nobody reads holds the program up, and none is lost": async ({ machine }) => {
    const process = await machine.start(onTerminal("stty raw; head -c 4194304 /dev/zero; echo over"));
    process.stderr.resume();
    // A stream need not begin before somebody wants something.
    process.stdout.read(0);
    await until(() => process.stdout.readableLength > 0, "the first output");
    for (let i = 0; i < 20; i++) {
      await sleep(10);
      demand(
        process.stdout.readableLength < MOST_BUFFERED,
        `${process.stdout.readableLength} bytes are kept`,
      );
    }
    const shown = await readAll(process.stdout, "the terminal");
    demandSame([shown.length, shown.subarray(-5).toString()], [4_194_309, "over\n"], "what was shown");
    demandSame((await soon(process.ended, "the end")).code, 0, "the exit code");
  },
  "what was shown before the end can be read long after it": async ({ machine }) => {
    const process = await machine.start(onTerminal("stty raw; head -c 3000 /dev/zero; echo over"));
    process.stderr.resume();
    // A stream need not begin before somebody wants something.
    process.stdout.read(0);
    await until(() => process.stdout.readableLength > 0, "the first output");
    // Longer than any grace that a library gives. Nothing is waited for: nothing may happen.
    await sleep(600);
    demandSame((await readAll(process.stdout, "the terminal")).length, 3_005, "what was shown");
    demandSame((await soon(process.ended, "the end")).code, 0, "the exit code");
  },
  "input that the program does not read harms nobody": async ({ machine }) => {
    const process = await machine.start(onTerminal("stty raw -echo; echo ready; exec sleep 600"));
    const text = watchText(process.stdout);
    process.stderr.resume();
    process.stdin.on("error", () => undefined);
    await until(() => text().includes("ready"), "the program");
    for (let i = 0; i < 64; i++) process.stdin.write(Buffer.alloc(65_536, "x"));
    await soon(machine.ping(), "a ping meanwhile");
    demandSame((await runProcess(machine, { command: ["echo", "on"] })).stdout, "on\n", "another process");
  },
  "without a command a login shell runs on the terminal": async ({ machine }) => {
    const process = await machine.start({ command: undefined, terminal: SIZE });
    const text = watchText(process.stdout);
    process.stderr.resume();
    process.stdin.write("echo $((41+1)); test -t 0; exit $?\r");
    demandSame((await soon(process.ended, "the end of the shell")).code, 0, "the exit code");
    demand(text().includes("42"), "the shell did not count");
  },
};

const signals: Readonly<Record<string, PluginCase["run"]>> = {
  "a signal reaches the process": async ({ machine }) => {
    const line = "trap 'echo caught; exit 9' USR1; echo ready; while :; do sleep 0.1; done";
    const process = await machine.start({ command: ["sh", "-c", line] });
    const text = watchText(process.stdout);
    process.stderr.resume();
    await until(() => text().includes("ready"), "the program");
    await soon(process.signal("USR1"), "the signal");
    demandSame((await soon(process.ended, "the end")).code, 9, "the exit code");
    demand(text().includes("caught"), "the signal was another one");
  },
  "TERM and KILL end a process": async ({ machine }) => {
    for (const [name, code] of [
      ["TERM", 143],
      ["KILL", 137],
    ] as const) {
      const process = await machine.start({ command: ["sh", "-c", "echo ready; exec sleep 600"] });
      const text = watchText(process.stdout);
      process.stderr.resume();
      await until(() => text().includes("ready"), "the program");
      await soon(process.signal(name), "the signal");
      const end = await soon(process.ended, "the end");
      demand(end.signal === name || end.code === code, `${name} ended it with ${JSON.stringify(end)}`);
    }
  },
  "a signal after the end, or an unknown one, harms nobody": async ({ machine }) => {
    const process = await machine.start({ command: ["cat"] });
    process.stdout.resume();
    process.stderr.resume();
    for (const name of ["NOSUCHSIGNAL", "-9", "TERM; id"]) {
      const refused = await soon(
        process.signal(name).then(
          () => false,
          () => true,
        ),
        "an unknown signal",
      );
      demand(refused, `the signal ${name} was accepted`);
    }
    process.stdin.end();
    demandSame((await soon(process.ended, "the end")).code, 0, "the exit code");
    await soon(
      process.signal("TERM").catch(() => undefined),
      "a late signal",
    );
    demandSame((await runProcess(machine, { command: ["echo", "on"] })).stdout, "on\n", "the next process");
  },
};

export const terminalCases: readonly PluginCase[] = Object.entries(terminals).map(([name, run]) => {
  return { name, run, abilities: ["processes", "terminals"] };
});
export const signalCases: readonly PluginCase[] = Object.entries(signals).map(([name, run]) => {
  return { name, run, abilities: ["processes", "signals"] };
});
