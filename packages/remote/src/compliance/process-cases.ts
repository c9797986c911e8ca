// Processes: how they are started, what goes in and out, and how they end.
import { randomUUID } from "node:crypto";
import type { ProcessRequest } from "../plugin/process.ts";
import { demand, demandSame, failure, pattern, readAll, sha256, sleep, soon, until } from "./demands.ts";
import type { PluginCase } from "./plugin-case.ts";
import { runProcess } from "./run-process.ts";

const MIB = 1_048_576;
/** What may stand between a program that is not read and one that writes, beside what the kernel keeps. */
const MOST_BUFFERED = 4 * MIB;
const AWKWARD = [
  "a b",
  "",
  "it's",
  '"x"',
  "$HOME `id` $(id)",
  "*",
  "a\\b",
  "-n",
  "line\nline",
  "ü→🙂",
  ";|&<>",
  "~",
];

const sh = (line: string): ProcessRequest => ({ command: ["sh", "-c", line] });

type Run = PluginCase["run"];
const cases: Readonly<Record<string, Run>> = {
  "a process ends with its exit code": async ({ machine }) => {
    for (const code of [0, 1, 7, 255]) {
      const { end } = await runProcess(machine, sh(`exit ${code}`));
      demandSame(end.code, code, "the exit code");
      demandSame(end.signal, undefined, "the signal");
    }
  },
  "what is written to stdin arrives, and its end, too": async ({ machine }) => {
    const { end, stdout } = await runProcess(machine, { command: ["cat"] }, "one\ntwo");
    demandSame([end.code, stdout], [0, "one\ntwo"], "cat");
  },
  "a conversation goes back and forth": async ({ machine }) => {
    const process = await machine.start({ command: ["cat"] });
    let heard = "";
    process.stdout.on("data", (piece: Buffer) => void (heard += piece.toString()));
    for (const word of ["one", "two", "three"]) {
      process.stdin.write(word);
      await until(() => heard.endsWith(word), "the echo");
    }
    process.stdin.end();
    demandSame((await soon(process.ended, "the end of cat")).code, 0, "the exit code");
    demandSame(heard, "onetwothree", "the echo");
  },
  "1 MiB of any bytes goes there and back unchanged": async ({ machine }) => {
    const bytes = pattern(MIB, 1);
    const process = await machine.start({ command: ["cat"] });
    const back = readAll(process.stdout, "1 MiB");
    process.stderr.resume();
    process.stdin.end(bytes);
    demandSame(sha256(await back), sha256(bytes), "the hash");
    demandSame((await soon(process.ended, "the end of cat")).code, 0, "the exit code");
  },
  "output that nobody reads holds the process up, and none is lost": async ({ machine }) => {
    const process = await machine.start(sh("head -c 16777216 /dev/zero; echo done >&2"));
    const errors = readAll(process.stderr, "stderr");
    let told = false;
    void errors.then(() => (told = true));
    // A stream need not begin before somebody wants something.
    process.stdout.read(0);
    await until(() => process.stdout.readableLength > 0, "the first output");
    for (let i = 0; i < 20; i++) {
      await sleep(10);
      demand(
        process.stdout.readableLength <= MOST_BUFFERED,
        `${process.stdout.readableLength} bytes are kept`,
      );
    }
    demand(!told, "16 MiB were taken from the process, though nobody reads them");
    demandSame((await readAll(process.stdout, "16 MiB")).length, 16 * MIB, "the length");
    demandSame((await errors).toString(), "done\n", "stderr");
    demandSame((await soon(process.ended, "the end")).code, 0, "the exit code");
  },
  "input that the process does not read holds the writer up": async ({ machine }) => {
    const go = `/tmp/holdfast-compliance-${randomUUID()}`;
    const process = await machine.start(sh(`while [ ! -e ${go} ]; do sleep 0.1; done; rm ${go}; wc -c`));
    const count = readAll(process.stdout, "the count");
    process.stderr.resume();
    const piece = Buffer.alloc(65_536, "x");
    let written = 0;
    while (written < 64 * MIB && process.stdin.writableLength < MIB) {
      written += piece.length;
      if (!process.stdin.write(piece)) await sleep(1);
    }
    demand(written < 64 * MIB, "64 MiB were taken that nobody reads");
    process.stdin.end();
    await runProcess(machine, { command: ["touch", go] });
    demandSame((await count).toString().trim(), String(written), "what arrived");
    demandSame((await soon(process.ended, "the end")).code, 0, "the exit code");
  },
  "stdout and stderr are apart": async ({ machine }) => {
    const { stdout, stderr } = await runProcess(machine, sh("echo out; echo err >&2"));
    demandSame([stdout, stderr], ["out\n", "err\n"], "the outputs");
  },
  "all output can be read after the end": async ({ machine }) => {
    const process = await machine.start(sh("head -c 50000 /dev/zero; echo x >&2"));
    process.stdin.end();
    const [out, error] = [readAll(process.stdout, "stdout"), readAll(process.stderr, "stderr")];
    await soon(process.ended, "the end");
    demandSame([(await out).length, (await error).length], [50_000, 2], "the lengths");
  },
  "a process starts in the directory that is asked for": async ({ machine }) => {
    const { stdout } = await runProcess(machine, { command: ["pwd"], directory: "/usr" });
    demandSame(stdout, "/usr\n", "the directory");
    const line = await runProcess(machine, { command: "pwd", directory: "/usr" });
    demandSame(line.stdout, "/usr\n", "the directory of a shell line");
  },
  "a directory that is not there is an error, and nothing runs elsewhere": async ({ machine }) => {
    const request = { command: ["pwd"], directory: "/no/such/directory" } as const;
    const ran = runProcess(machine, request).then(({ end, stdout }) => {
      demandSame(stdout, "", "what ran in a directory that is not there");
      demand(end.code !== 0, "it ended as if all were well");
    });
    await ran.catch(async () => void (await failure(ran, "not_found", "a directory that is not there")));
  },
  "a process gets the environment that is given, as it is": async ({ machine }) => {
    const environment = { HF_PLAIN: "value", HF_AWKWARD: "a b'c\"d$e`f\\g\nh=ü" };
    const request = sh('printf "%s|%s" "$HF_PLAIN" "$HF_AWKWARD"');
    const { stdout } = await runProcess(machine, { ...request, environment });
    demandSame(stdout, `value|${environment.HF_AWKWARD}`, "the environment");
    const { stdout: path } = await runProcess(machine, { ...sh('printf %s "$PATH"'), environment });
    demand(path !== "", "the rest of the environment is gone");
  },
  "a name that is no variable's is refused": async ({ machine }) => {
    for (const name of ["", "A=B", "A B", "1A", "A;id"]) {
      const start = machine.start({ command: ["true"], environment: { [name]: "x" } });
      await failure(start, "bad_environment", `the name ${JSON.stringify(name)}`);
    }
  },
  "an unknown program is an error": async ({ machine }) => {
    const ran = runProcess(machine, { command: ["holdfast-no-such-program", "x"] });
    const ended = ran.then(({ end }) => demandSame(end.code, 127, "the exit code"));
    await ended.catch(async () => {
      const error = await failure(ran, "not_found", "an unknown program");
      demandSame(error.kind, "fatal", "its kind");
    });
  },
  "arguments are not looked at by a shell": async ({ machine }) => {
    const { stdout } = await runProcess(machine, { command: ["printf", "[%s]", ...AWKWARD] });
    demandSame(stdout, AWKWARD.map((word) => `[${word}]`).join(""), "the arguments");
  },
  "a line is the shell's": async ({ machine }) => {
    const { end, stdout } = await runProcess(machine, {
      command: 'x=1; echo "a b" "$x" | tr a-z A-Z; exit 4',
    });
    demandSame([end.code, stdout], [4, "A B 1\n"], "the line");
  },
  "without a command it is a login shell": async ({ machine }) => {
    const { end, stdout } = await runProcess(machine, { command: undefined }, "echo $((20+3))\nexit 6\n");
    demandSame([end.code, stdout.includes("23")], [6, true], "the shell");
  },
  "a process that ends while it is written to harms nobody": async ({ machine }) => {
    const process = await machine.start({ command: ["true"] });
    process.stdin.on("error", () => undefined);
    process.stdout.resume();
    process.stderr.resume();
    for (let i = 0; i < 32; i++) process.stdin.write(pattern(65_536, i));
    demandSame((await soon(process.ended, "the end")).code, 0, "the exit code");
    process.resize({ rows: 1, columns: 1 });
    await soon(machine.ping(), "a ping");
  },
  "many processes run at once": async ({ machine }) => {
    const all = Array.from({ length: 8 }, (_, i) => runProcess(machine, { command: ["echo", String(i)] }));
    const outputs = (await Promise.all(all)).map(({ stdout }) => stdout.trim());
    demandSame(outputs, ["0", "1", "2", "3", "4", "5", "6", "7"], "the outputs");
  },
};

export const processCases: readonly PluginCase[] = [
  ...Object.entries(cases).map(([name, run]) => ({ name, run, abilities: ["processes"] as const })),
  {
    name: "an end by a signal is told from an exit",
    abilities: ["processes"],
    needs: "signalEnds",
    run: async ({ machine }) => {
      for (const name of ["KILL", "TERM"]) {
        const { end } = await runProcess(machine, sh(`kill -${name} $$`));
        demandSame([end.signal, end.code], [name, undefined], "the end");
      }
    },
  },
];
