// A live SSH connection as a machine. However it ends (a keepalive without an answer, the other side's end, with which
// ssh2 gives no error at all, or our own close), everything on it ends with it.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { Attempt } from "@holdfast/net";
import type { Files } from "../plugin/files.ts";
import type { Machine, SystemInfo } from "../plugin/machine.ts";
import type { RemoteListener } from "../plugin/network.ts";
import type { Process, ProcessRequest } from "../plugin/process.ts";
import { linkFailure } from "./failures.ts";
import type { SshClient, SshLibraryError } from "./library.ts";
import { sendKeepalive } from "./library.ts";
import { LinkLife } from "./link-life.ts";
import { SshPorts } from "./ports.ts";
import { SshProcesses } from "./processes.ts";
import type { Arrived } from "./route.ts";
import { runLine } from "./run-line.ts";
import { SftpFiles } from "./sftp-files.ts";
import { SftpSession } from "./sftp-session.ts";
import { readSystemInfo, SYSTEM_INFO_LINE } from "./system-info.ts";

export class SshMachine implements Machine {
  /** A ping that fails may find the link alive. */
  readonly survivesPingFailure = true;
  readonly localAddress: string | undefined;
  readonly files: Files;
  readonly #client: SshClient;
  readonly #socket: Duplex;
  readonly #life: LinkLife = new LinkLife();
  readonly #processes: SshProcesses;
  readonly #ports: SshPorts;

  constructor({ client, socket, localAddress }: Arrived, attempt: Attempt, warn: (text: string) => void) {
    this.localAddress = localAddress;
    this.#client = client;
    this.#socket = socket;
    this.#processes = new SshProcesses(client, this.#life);
    this.#ports = new SshPorts(client, this.#life);
    this.files = new SftpFiles(new SftpSession(client, this.#life), warn);
    socket.on("data", attempt.heard);
    let cause: HoldfastError | undefined;
    client.on("error", (error: SshLibraryError) => {
      cause ??= linkFailure(error);
      this.#lose(attempt, cause);
    });
    // ssh2's channels end after this, as if all were well: by then their streams are gone.
    client.once("end", () => this.#lose(attempt, cause));
    client.once("close", () => this.#lose(attempt, cause));
    // It may have ended between the login and here.
    if (socket.destroyed || socket.readableEnded) this.#lose(attempt, cause);
  }

  start(request: ProcessRequest): Promise<Process> {
    return this.#processes.start(request);
  }

  connectTcp(host: string, port: number): Promise<Duplex> {
    return this.#ports.connectTcp(host, port);
  }

  listenTcp(
    host: string,
    port: number,
    onConnection: (stream: Duplex, from: { readonly host: string; readonly port: number }) => void,
  ): Promise<RemoteListener> {
    return this.#ports.listenTcp(host, port, onConnection);
  }

  async systemInfo(): Promise<SystemInfo> {
    return readSystemInfo(await runLine(this.#client, this.#life, SYSTEM_INFO_LINE));
  }

  async ping(): Promise<void> {
    await this.#life.run<void>((settle) => sendKeepalive(this.#client, settle), linkFailure);
  }

  close(reason?: HoldfastError): void {
    const message = "it was closed here";
    if (!this.#life.end(reason ?? new HoldfastError({ code: "closed", message, fault: "local" }))) return;
    this.#hangUp();
  }

  #lose(attempt: Attempt, cause: HoldfastError | undefined): void {
    const message = "the far side ended the connection";
    const shown = cause ?? new HoldfastError({ code: "connection_closed", message, fault: "peer" });
    if (!this.#life.end(shown)) return;
    this.#hangUp();
    attempt.lost(cause);
  }

  /** A farewell, and no wait for an answer: there may be nobody to give one. */
  #hangUp(): void {
    this.#client.end();
    this.#socket.destroy();
  }
}
