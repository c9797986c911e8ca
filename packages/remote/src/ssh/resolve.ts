// Finds a host's settings: asks the installed `ssh`, whose word is the truth; without one reads the file itself.
import { readFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { HoldfastError } from "@holdfast/core";
import { ownEnvironment, startChild } from "../children.ts";
import { peerText } from "../plugin/peer-text.ts";
import type { CallerEnvironment } from "../plugin/plugin.ts";
import type { ConfigWords } from "./config-words.ts";
import { parseFile, parseOutput } from "./config-words.ts";
import type { SshOptions } from "./options.ts";
import type { SshSettings } from "./settings.ts";
import { settingsFrom } from "./settings.ts";

export interface Wanted {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

export interface ResolveContext {
  readonly environment: CallerEnvironment;
  readonly warn: (text: string) => void;
  /** Ends the installed `ssh`, too. */
  readonly signal: AbortSignal;
}

/** `ssh -G` prints about 5 KiB. */
const MOST_OUTPUT = 1_048_576;

/** @throws HoldfastError `bad_configuration` (fatal), or the reason of the signal. */
export async function resolveSettings(
  wanted: Wanted,
  options: SshOptions,
  context: ResolveContext,
): Promise<SshSettings> {
  const words = (await askSsh(wanted, options, context)) ?? (await readOwn(wanted, options, context));
  return settingsFrom(words, options, {
    ...wanted,
    home: homeOf(context),
    localUser: userInfo().username,
    agent: context.environment.SSH_AUTH_SOCK,
  });
}

/** What ssh and what it starts are given: the caller's world, and of this process only what that lacks. */
export function surroundings(environment: CallerEnvironment): NodeJS.ProcessEnv {
  const { PATH, HOME } = ownEnvironment();
  return { PATH, HOME, ...environment };
}

function homeOf({ environment }: ResolveContext): string {
  return environment.HOME ?? homedir();
}

/** `undefined` if no `ssh` is installed. */
function askSsh(
  wanted: Wanted,
  options: SshOptions,
  context: ResolveContext,
): Promise<ConfigWords | undefined> {
  const { environment, signal } = context;
  const args = [
    "-G",
    ...(options.configFile === undefined ? [] : ["-F", options.configFile]),
    ...(wanted.user === undefined ? [] : ["-l", wanted.user]),
    ...(wanted.port === undefined ? [] : ["-p", String(wanted.port)]),
    "--",
    wanted.host,
  ];
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const child = startChild("ssh", args, { environment: surroundings(environment) });
    let [output, errors] = ["", ""];
    const onAbort = (): void => {
      child.kill("SIGKILL");
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    child.stdin.on("error", () => undefined).end();
    child.stdout.on("data", (piece: Buffer) => {
      if (output.length < MOST_OUTPUT) output += piece.toString();
    });
    child.stderr.on("data", (piece: Buffer) => {
      if (errors.length < MOST_OUTPUT) errors += piece.toString();
    });
    child.once("error", (error: NodeJS.ErrnoException) => {
      signal.removeEventListener("abort", onAbort);
      // Only where there is none is it done without: else much of the configuration would be left out.
      if (error.code === "ENOENT") resolve(undefined);
      else reject(notStarted(error));
    });
    child.once("close", (code) => {
      signal.removeEventListener("abort", onAbort);
      if (code === 0) resolve(parseOutput(output));
      else reject(refused(errors));
    });
  });
}

function notStarted(error: Error): HoldfastError {
  const message = `ssh, which knows the configuration, could not be started: ${error.message}`;
  return new HoldfastError({ code: "ssh_not_started", message, fault: "local", cause: error });
}

function refused(errors: string): HoldfastError {
  const said = peerText(errors.trim().split("\n")[0] ?? "");
  const message = `ssh does not accept its configuration: ${said}`;
  return new HoldfastError({ code: "bad_configuration", message, kind: "fatal", fault: "local" });
}

async function readOwn(
  { host }: Wanted,
  { configFile }: SshOptions,
  context: ResolveContext,
): Promise<ConfigWords> {
  if (configFile === "none") return new Map();
  const file = configFile ?? `${homeOf(context)}/.ssh/config`;
  try {
    return parseFile(await readFile(file, "utf8"), file, host, context.warn);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && configFile === undefined) return new Map();
    const details = { code: "bad_configuration", message: `${file}: ${message}` } as const;
    throw new HoldfastError({ ...details, kind: "fatal", fault: "local" });
  }
}
