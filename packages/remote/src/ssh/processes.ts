// Starting processes over one SSH connection.
import { randomBytes } from "node:crypto";
import type { Process, ProcessRequest } from "../plugin/process.ts";
import { AcceptedEnvironment } from "./accepted-environment.ts";
import { AnnouncedPid } from "./announced-pid.ts";
import { commandLine } from "./command-line.ts";
import { sessionFailure } from "./failures.ts";
import type { ClientChannel, SshClient } from "./library.ts";
import type { LinkLife } from "./link-life.ts";
import { checkEnvironment } from "./quote.ts";
import { runLine } from "./run-line.ts";
import { SshProcess } from "./ssh-process.ts";

const DEFAULT_TERM = "xterm-256color";

export class SshProcesses {
  readonly #client: SshClient;
  readonly #life: LinkLife;
  readonly #accepted: AcceptedEnvironment;

  constructor(client: SshClient, life: LinkLife) {
    this.#client = client;
    this.#life = life;
    this.#accepted = new AcceptedEnvironment(client, life);
  }

  async start(request: ProcessRequest): Promise<Process> {
    this.#life.check();
    const environment = request.environment ?? {};
    checkEnvironment(environment);
    const { sent, written } = await this.#accepted.split(environment);
    const token = `holdfast-pid-${randomBytes(8).toString("hex")}`;
    const line = commandLine(request, written, token);
    const { terminal } = request;
    const pty = terminal && {
      rows: terminal.rows,
      cols: terminal.columns,
      width: 0,
      height: 0,
      term: terminal.type ?? DEFAULT_TERM,
    };
    const life = this.#life;
    const client = this.#client;
    return life.run<Process>((settle) => {
      // Streams are made at once, before the first bytes of the channel are.
      const begun = (error: Error | undefined, channel: ClientChannel): void => {
        if (error !== undefined) return settle(error);
        const announced = line === undefined ? undefined : new AnnouncedPid(token);
        const run = (text: string): ReturnType<typeof runLine> => runLine(client, life, text);
        settle(undefined, new SshProcess({ channel, life, terminal: pty !== undefined, announced, run }));
      };
      if (line !== undefined) client.exec(line, { env: sent, ...(pty && { pty }) }, begun);
      else client.shell(pty ?? false, { env: sent }, begun);
    }, sessionFailure("the far side started no process"));
  }
}
