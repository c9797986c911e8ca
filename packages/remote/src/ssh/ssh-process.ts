// A process behind a channel. A channel that closes without saying how the process ended says nothing about the
// process: it may still be running.
import { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { Process, ProcessEnd, TerminalSize } from "../plugin/process.ts";
import type { AnnouncedPid } from "./announced-pid.ts";
import { ChannelInput, ChannelOutput, discard } from "./channel-streams.ts";
import { peerText, quoted } from "../plugin/peer-text.ts";
import type { ClientChannel } from "./library.ts";
import { setWindow } from "./library.ts";
import type { LinkLife } from "./link-life.ts";
import type { LineResult } from "./run-line.ts";

export interface SshProcessOptions {
  readonly channel: ClientChannel;
  readonly life: LinkLife;
  readonly terminal: boolean;
  /** `undefined` for a login shell, which announces nothing. */
  readonly announced: AnnouncedPid | undefined;
  /** Runs a command beside the process. */
  readonly run: (line: string) => Promise<LineResult>;
}

const SIGNAL = /^[A-Z][A-Z0-9+-]{0,15}$/;

export class SshProcess implements Process {
  readonly stdin: ChannelInput;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ended: Promise<ProcessEnd>;
  readonly #options: SshProcessOptions;
  #over = false;

  constructor(options: SshProcessOptions) {
    const { channel, life, terminal, announced } = options;
    this.#options = options;
    channel.on("error", () => undefined);
    // Before the streams: a small process may have ended already.
    this.ended = this.#end();
    this.ended.catch(() => undefined);
    this.stdin = new ChannelInput(channel);
    this.stdout = new ChannelOutput(channel, announced);
    this.stderr = terminal ? Readable.from([]) : new ChannelOutput(channel.stderr);
    if (terminal) channel.stderr.resume();
    for (const stream of [this.stdin, this.stdout, this.stderr]) {
      // Who wants to know of the link's end has a listener, or asks `ended`.
      stream.on("error", () => undefined);
      life.adopt(stream);
    }
  }

  resize({ rows, columns }: TerminalSize): void {
    if (this.#options.terminal && !this.#over && !this.#options.life.ended) {
      setWindow(this.#options.channel, rows, columns);
    }
  }

  async signal(name: string): Promise<void> {
    if (!SIGNAL.test(name)) throw badSignal(name);
    if (this.#over) return;
    const pid = await this.#options.announced?.pid;
    if (this.#over) return;
    if (pid === undefined) throw cannotSignal();
    const { code, stderr } = await this.#options.run(`kill -s ${name} ${pid}`);
    if (code === 0 || this.#over) return;
    // The process may have ended in between; its end is on its way then.
    if (/no such process/i.test(stderr)) return;
    if (/not permitted/i.test(stderr)) throw refusedSignal(name, stderr);
    throw badSignal(name);
  }

  #end(): Promise<ProcessEnd> {
    const { channel, life } = this.#options;
    return new Promise((resolve, reject) => {
      let end: ProcessEnd | undefined;
      // The channel's own end waits for its stdout to be taken; stderr has an end of its own.
      let open = 2;
      const closed = (): void => {
        if (--open > 0) return;
        forget();
        this.#over = true;
        if (end === undefined) reject(unknownEnd());
        else resolve(end);
      };
      channel.on("exit", (code: number | null, signal?: string) => (end = endOf(code, signal)));
      channel.once("close", closed);
      channel.stderr.once("end", closed);
      const forget = life.watch((error) => {
        this.#over = true;
        discard(channel);
        reject(error);
      });
    });
  }
}

function endOf(code: number | null, signal: string | undefined): ProcessEnd {
  if (code !== null) return { code };
  const name = (signal ?? "").replace(/^SIG/, "");
  return { signal: SIGNAL.test(name) ? name : "UNKNOWN" };
}

function unknownEnd(): HoldfastError {
  const message =
    "the far side closed the process's channel without saying how it ended; it may still be running";
  return new HoldfastError({ code: "end_unknown", message, fault: "peer" });
}

function badSignal(name: string): HoldfastError {
  const message = `the far side knows no signal ${quoted(name)}`;
  return new HoldfastError({ code: "bad_signal", message, kind: "fatal", fault: "local" });
}

function refusedSignal(name: string, said: string): HoldfastError {
  const message = `the process cannot be sent ${name}: ${peerText(said.trim())}`;
  return new HoldfastError({ code: "permission_denied", message, kind: "fatal", fault: "peer" });
}

function cannotSignal(): HoldfastError {
  const message =
    "a login shell cannot be signalled over ssh: its process id is not known, and sshd may ignore signals";
  const hint = "type ^C on its terminal, or start the shell as a command";
  return new HoldfastError({ code: "unsupported", message, hint, kind: "fatal", fault: "peer" });
}
