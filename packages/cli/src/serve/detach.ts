// `holdfast serve --detach`: the same command again, as a process that outlives this one and its terminal. This one ends
// when that one listens, or says why it does not.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ErrorLine, OutputLine } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { ensurePrivateFolder } from "@holdfast/trust/files";
import type { Context } from "../command.ts";

export interface DetachOptions {
  /** As it was given, without the program and the subcommand. */
  readonly words: readonly string[];
  /** Handed over on stdin; `undefined`: there is none, or a file that the other one reads itself. */
  readonly secret: string | undefined;
  /** Where audit and status go, if the words do not say so. */
  readonly logFile: string | undefined;
}

/** @throws HoldfastError what keeps the other process from listening. */
export async function detach({ paths, env, output }: Context, options: DetachOptions): Promise<void> {
  const folder = join(paths.stateFolder, "serve");
  await ensurePrivateFolder(paths.stateFolder);
  await ensurePrivateFolder(folder);
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const words = [...wordsOfOther(options), "--log-file", options.logFile ?? join(folder, "serve.log")];
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [main, "serve", ...words],
    { detached: true, env: { ...env }, stdio: ["pipe", "pipe", "ignore"], windowsHide: true },
  );
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.secret === undefined ? "" : `${options.secret}\n`);
  const addresses = await whatItListensAt(child);
  child.unref();
  const pid = child.pid ?? process.pid;
  output.data(`listening at ${addresses.join(" and ")} (process ${pid})`, { type: "ready", addresses, pid });
}

/** Its words are ours, except what is on this process's command line only by mistake, or means this process. */
function wordsOfOther({ words, secret, logFile }: DetachOptions): string[] {
  const others: string[] = [];
  const dropped = new Set([
    "--secret",
    ...(secret === undefined ? [] : ["--secret-file"]),
    ...(logFile ? ["--log-file"] : []),
  ]);
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--detach" || word === "--json") continue;
    if (dropped.has(word)) index += 1;
    else if (![...dropped].some((name) => word.startsWith(`${name}=`))) others.push(word);
  }
  return [...others, "--json", ...(secret === undefined ? [] : ["--secret-file", "-"])];
}

async function whatItListensAt(child: ChildProcessByStdio<Writable, Readable, null>): Promise<string[]> {
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input: child.stdout, crlfDelay: Infinity });
  const read = async (): Promise<string[]> => {
    let last: HoldfastError | undefined = undefined;
    for await (const text of lines) {
      const line = JSON.parse(text) as OutputLine;
      if (line.type === "error") last = failureOf(line);
      if (line.type === "ready") return line.addresses;
    }
    throw last ?? notStarted();
  };
  return Promise.race([read(), failed]);
}

function failureOf({ code, message, hint }: ErrorLine): HoldfastError {
  return new HoldfastError({ code, message, hint: hint ?? undefined, kind: "fatal", fault: "local" });
}

function notStarted(): HoldfastError {
  const message = "the server in the background ended without a word";
  const hint = "run it without --detach to see why";
  return new HoldfastError({ code: "not_started", message, hint, kind: "fatal", fault: "local" });
}
