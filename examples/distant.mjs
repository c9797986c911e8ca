#!/usr/bin/env node
// `distant`, as distant.nvim calls it, done by holdfast: name this file as the binary of the plugin.
//
//   require('distant').setup({ client = { bin = '/path/to/examples/distant.mjs' } })
//
// Connections, files, processes and language servers go by `holdfast api` and `holdfast exec`, and come back after every
// outage. HOLDFAST_BIN names holdfast if it is not on the PATH. Not there: `distant://` servers, paths of a language
// server that are rewritten (--lsp), and watching and searching files.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Flags of distant that stand alone; all others have a value. */
const SWITCHES = new Set(["daemon", "user", "lsp", "pty", "shell"]);

/** @param {string[]} argv */
function parse(argv) {
  const end = argv.indexOf("--");
  const words = end === -1 ? argv : argv.slice(0, end);
  /** @type {Map<string, string>} */
  const flags = new Map();
  const names = [];
  for (let i = 0; i < words.length; i++) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(words[i] ?? "") ?? [];
    if (name === undefined) names.push(words[i] ?? "");
    else flags.set(name, value ?? (SWITCHES.has(name) ? "" : (words[++i] ?? "")));
  }
  return { names, flags, tail: end === -1 ? undefined : argv.slice(end + 1).join(" ") };
}

/** `A="b",C="d"`, taken apart. @param {string} text @returns {[string, string][]} */
function pairs(text) {
  const found = text.matchAll(/([^=,\s]+)="((?:[^"\\]|\\.)*)"/gs);
  return [...found].map(([, name = "", value = ""]) => [name, value.replaceAll(/\\(["\\])/g, "$1")]);
}

/** @param {string[]} args @param {import("node:child_process").StdioOptions} stdio */
function holdfast(args, stdio) {
  const program = process.env["HOLDFAST_BIN"] ?? "holdfast";
  return program.endsWith(".js")
    ? spawn(process.execPath, [program, ...args], { stdio })
    : spawn(program, args, { stdio });
}

/** Become holdfast. @param {string[]} args */
function become(args) {
  const child = holdfast(args, "inherit");
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
}

/** Every object that it prints, and its exit code. @param {string[]} args */
async function ask(args) {
  const child = holdfast([...args, "--json"], ["ignore", "pipe", "inherit"]);
  const lines = [];
  const closed = new Promise((resolve) => child.once("close", resolve));
  for await (const line of createInterface(/** @type {any} */ ({ input: child.stdout })))
    lines.push(JSON.parse(line));
  return { lines, code: Number(await closed) };
}

async function connections() {
  const { lines } = await ask(["list"]);
  return lines.filter(({ type }) => type === "connection");
}

/** Questions go to the editor as distant asks them, by `holdfast api`; the events say what becomes of it. */
async function connect(
  /** @type {string} */ destination,
  /** @type {Map<string, string>} */ flags,
  /** @type {string} */ done,
) {
  const known = pairs(flags.get("options") ?? "").flatMap(([name, value]) => {
    const file = { identity_files: "-i", user_known_hosts_files: "--known-hosts" }[
      name.replace(/^ssh\./, "")
    ];
    return file === undefined ? [] : [file, value.split(",")[0] ?? ""];
  });
  const policy = destination.startsWith("ssh://") ? ["--host-key", "accept-new"] : [];
  const { lines, code } = await ask(["connect", destination, "--background", ...policy, ...known]);
  const entry = lines.find(({ type }) => type === "connection");
  if (code !== 0 || entry === undefined) return code || 1;
  const events = holdfast(["events", "--topics", "connection", "--json"], ["ignore", "pipe", "inherit"]);
  const api = holdfast(["api", String(entry.id), "--quiet"], ["pipe", "pipe", "inherit"]);
  process.stdin.pipe(/** @type {any} */ (api.stdin)).on("error", () => undefined);
  const questions = createInterface(/** @type {any} */ ({ input: api.stdout }));
  let refused = false;
  questions.on("line", (line) => {
    const { type } = JSON.parse(line);
    refused ||= type === "auth_error";
    if (String(type).startsWith("auth_") && type !== "auth_finished") process.stdout.write(`${line}\n`);
    if (type === "auth_finished" && refused) events.kill();
  });
  const failure = await outcome(events, entry.id);
  events.kill();
  api.kill();
  process.stdin.destroy();
  if (failure !== undefined) {
    process.stderr.write(`${failure}\n`);
    await ask(["disconnect", String(entry.id)]);
    return 1;
  }
  process.stdout.write(`${JSON.stringify({ type: done, id: entry.id })}\n`);
  return 0;
}

/** Nothing if it is connected, or why it is not. */
async function outcome(
  /** @type {import("node:child_process").ChildProcess} */ events,
  /** @type {number} */ id,
) {
  for await (const line of createInterface(/** @type {any} */ ({ input: events.stdout }))) {
    const message = JSON.parse(line);
    const all = message.type === "snapshot" ? message.entries : [message.event ?? {}];
    const now = all.find((/** @type {any} */ one) => one.id === id && one.state !== undefined);
    if (now?.state === "connected") return undefined;
    // While a login is under way, the last failure is that somebody had to be asked.
    const failed = now?.phase === "waiting" && now.failure !== null && now.failure.code !== "auth_required";
    if (failed || now?.state === "disconnected") return now.failure?.message ?? "not connected";
  }
  return "not connected: the login was refused";
}

/** The connection whose number it is. @param {Map<string, string>} flags */
function connectionOf(flags) {
  const id = flags.get("connection");
  return id === undefined ? [] : [id];
}

/** @param {string[]} names @param {Map<string, string>} flags */
async function manager([command = "", id], flags) {
  const print = (/** @type {object} */ line) => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const all = command === "listen" || command === "kill" ? [] : await connections();
  switch (command) {
    case "listen":
      return become(["daemon", flags.has("daemon") ? "start" : "run"]);
    case "list":
      if ((await ask(["daemon", "status"])).code !== 0) return 1;
      print(Object.fromEntries(all.map((one) => [one.id, one.destination])));
      return 0;
    case "info": {
      const one = all.find((entry) => String(entry.id) === id);
      if (one !== undefined) print({ id: one.id, destination: one.destination, options: "" });
      return one === undefined ? 1 : 0;
    }
    case "kill": {
      const { code } = await ask(["disconnect", id ?? ""]);
      if (code === 0) print({ type: "ok" });
      return code;
    }
    case "select":
      // Each request of the plugin names its connection: there is nothing to remember.
      if (id === undefined) print({ type: "select", choices: all.map((one) => one.destination), current: 0 });
      return 0;
    default:
      return unknown(`manager ${command}`);
  }
}

function unknown(/** @type {string} */ command) {
  process.stderr.write(`holdfast does not stand in for distant's ${command}\n`);
  return 2;
}

/** @param {string[]} argv */
async function main(argv) {
  const { names, flags, tail } = parse(argv);
  if (flags.has("version") || argv[0] === "--version") {
    // Of the protocol that distant.nvim wants.
    process.stdout.write("distant 0.20.0\n");
    return 0;
  }
  const [command = "", ...rest] = names;
  const directory = flags.get("current-dir");
  const place = [
    ...(directory === undefined ? [] : ["--directory", directory]),
    ...pairs(flags.get("environment") ?? "").flatMap(([name, value]) => ["--env", `${name}=${value}`]),
  ];
  const line =
    flags
      .get("cmd")
      ?.replace(/^'(.*)'$/s, "$1")
      .replaceAll("'\\''", "'") ?? tail;
  switch (command) {
    case "connect":
      return connect(rest[0] ?? "", flags, "connected");
    case "launch":
      // Over ssh nothing has to be launched: the connection itself is all that is needed.
      return connect(rest[0] ?? "", flags, "launched");
    case "api": {
      const timeout = Number(flags.get("timeout") ?? 0);
      const limit = timeout > 0 ? ["--timeout", `${timeout}s`] : [];
      return become(["api", ...connectionOf(flags), ...limit]);
    }
    case "spawn":
      return become([
        "exec",
        ...connectionOf(flags),
        ...place,
        ...(flags.has("pty") ? ["-t"] : []),
        "--line",
        line ?? "",
      ]);
    case "shell":
      return line === undefined
        ? become(["shell", ...connectionOf(flags), ...place])
        : become(["exec", ...connectionOf(flags), ...place, "-t", "--line", line]);
    case "manager":
      return manager(rest, flags);
    default:
      return unknown(command);
  }
}

process.exitCode = await main(process.argv.slice(2));
