// Every subcommand by name. Their files are loaded one at a time; the summaries are here so that help needs none.
import type { Command } from "./command.ts";

export interface Listed {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  load(): Promise<Command>;
}

const tunnel = "Tunnel";
const remote = "Remote";
const everything = "Everything";

export const commands: readonly Listed[] = [
  {
    name: "relay",
    group: tunnel,
    summary: "give tunnels a place where visitors reach them",
    load: async () => erase((await import("./commands/relay.ts")).relay),
  },
  {
    name: "expose",
    group: tunnel,
    summary: "give local ports an address on a relay",
    load: async () => erase((await import("./commands/expose.ts")).expose),
  },
  {
    name: "connect",
    group: remote,
    summary: "keep a connection to a machine or container",
    load: async () => erase((await import("./commands/connect.ts")).connect),
  },
  {
    name: "ssh",
    group: remote,
    summary: "connect, and open a shell or run a program",
    load: async () => erase((await import("./commands/ssh.ts")).ssh),
  },
  {
    name: "shell",
    group: remote,
    summary: "a shell on a machine",
    load: async () => erase((await import("./commands/shell.ts")).shell),
  },
  {
    name: "exec",
    group: remote,
    summary: "run a program on a machine",
    load: async () => erase((await import("./commands/exec.ts")).exec),
  },
  {
    name: "fs",
    group: remote,
    summary: "files of a machine: list, read, write, move, remove",
    load: async () => erase((await import("./commands/fs.ts")).fs),
  },
  {
    name: "forward",
    group: remote,
    summary: "ports here and on another machine, over a connection",
    load: async () => erase((await import("./commands/forward.ts")).forward),
  },
  {
    name: "api",
    group: remote,
    summary: "requests and answers of editors, as JSON lines",
    load: async () => erase((await import("./commands/api.ts")).api),
  },
  {
    name: "authenticate",
    group: remote,
    summary: "answer what a connection waits for",
    load: async () => erase((await import("./commands/authenticate.ts")).authenticate),
  },
  {
    name: "launch",
    group: remote,
    summary: "start what is needed on a machine, and keep a connection to it",
    load: async () => erase((await import("./commands/launch.ts")).launch),
  },
  {
    name: "serve",
    group: remote,
    summary: "offer this machine to `connect holdfast://…`",
    load: async () => erase((await import("./commands/serve.ts")).serve),
  },
  {
    name: "list",
    group: everything,
    summary: "what runs, one line each",
    load: async () => erase((await import("./commands/list.ts")).list),
  },
  {
    name: "status",
    group: everything,
    summary: "how things stand, in full",
    load: async () => erase((await import("./commands/status.ts")).status),
  },
  {
    name: "events",
    group: everything,
    summary: "what happens, as it happens",
    load: async () => erase((await import("./commands/events.ts")).events),
  },
  {
    name: "wait",
    group: everything,
    summary: "wait until something is connected",
    load: async () => erase((await import("./commands/wait.ts")).wait),
  },
  {
    name: "reconnect",
    group: everything,
    summary: "dial now instead of later",
    load: async () => erase((await import("./commands/reconnect.ts")).reconnect),
  },
  {
    name: "disconnect",
    group: everything,
    summary: "end a tunnel, relay, connection or forward",
    load: async () => erase((await import("./commands/disconnect.ts")).disconnect),
  },
  {
    name: "daemon",
    group: everything,
    summary: "the process that keeps connections: start it, stop it, look at its log",
    load: async () => erase((await import("./commands/daemon.ts")).daemon),
  },
  {
    name: "demo",
    group: everything,
    summary: "watch a tunnel come back, on this machine alone",
    load: async () => erase((await import("./commands/demo.ts")).demo),
  },
  {
    name: "doctor",
    group: everything,
    summary: "whether this machine is ready, and what reconnecting would do",
    load: async () => erase((await import("./commands/doctor.ts")).doctor),
  },
  {
    name: "completion",
    group: everything,
    summary: "completion for bash, zsh or fish",
    load: async () => erase((await import("./commands/completion.ts")).completion),
  },
];

/** The types of a command's options matter in its own file only; `run` gets what they resolved to. */
function erase(command: unknown): Command {
  return command as Command;
}
