// A machine that knows whether it is in use, so that a link which was replaced can end when nothing runs over it.
import type { Duplex } from "node:stream";
import type { Files, FileStat, ListedFile } from "../plugin/files.ts";
import type { Machine, SystemInfo } from "../plugin/machine.ts";
import type { RemoteListener } from "../plugin/network.ts";
import type { Process, ProcessRequest } from "../plugin/process.ts";
import type { ConnectedMachine } from "./connection.ts";

type Take = (stream: Duplex, from: { readonly host: string; readonly port: number }) => void;

export class CountedMachine implements ConnectedMachine {
  /** Called when nothing is under way any more. */
  onIdle: () => void = () => undefined;
  readonly files: Files;
  /** The link itself, for who keeps it. */
  readonly link: Machine;
  #uses = 0;

  constructor(link: Machine) {
    this.link = link;
    this.files = new CountedFiles(link.files, (work) => this.#during(work));
  }

  get idle(): boolean {
    return this.#uses === 0;
  }

  async start(request: ProcessRequest): Promise<Process> {
    const release = this.#use();
    try {
      const process = await this.link.start(request);
      process.ended.then(release, release);
      return process;
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  async connectTcp(host: string, port: number): Promise<Duplex> {
    const release = this.#use();
    try {
      return held(await this.link.connectTcp(host, port), release);
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  async listenTcp(host: string, port: number, onConnection: Take): Promise<RemoteListener> {
    const release = this.#use();
    try {
      const listener = await this.link.listenTcp(host, port, (stream, from) => {
        onConnection(held(stream, this.#use()), from);
      });
      const close = (): Promise<void> => listener.close().finally(release);
      return { host: listener.host, port: listener.port, close };
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  systemInfo(): Promise<SystemInfo> {
    return this.#during(() => this.link.systemInfo());
  }

  ping(): Promise<void> {
    return this.#during(() => this.link.ping());
  }

  async #during<T>(work: () => Promise<T>): Promise<T> {
    const release = this.#use();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Something is under way until the function is called, however often. */
  #use(): () => void {
    let released = false;
    this.#uses += 1;
    return () => {
      if (released) return;
      released = true;
      this.#uses -= 1;
      if (this.#uses === 0) this.onIdle();
    };
  }
}

function held(stream: Duplex, release: () => void): Duplex {
  if (stream.closed) release();
  else stream.once("close", release);
  return stream;
}

class CountedFiles implements Files {
  readonly #files: Files;
  readonly #during: <T>(work: () => Promise<T>) => Promise<T>;

  constructor(files: Files, during: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#files = files;
    this.#during = during;
  }

  read(...call: Parameters<Files["read"]>): Promise<Uint8Array> {
    return this.#during(() => this.#files.read(...call));
  }

  write(...call: Parameters<Files["write"]>): Promise<void> {
    return this.#during(() => this.#files.write(...call));
  }

  stat(...call: Parameters<Files["stat"]>): Promise<FileStat> {
    return this.#during(() => this.#files.stat(...call));
  }

  list(path: string): Promise<readonly ListedFile[]> {
    return this.#during(() => this.#files.list(path));
  }

  makeDirectory(...call: Parameters<Files["makeDirectory"]>): Promise<void> {
    return this.#during(() => this.#files.makeDirectory(...call));
  }

  remove(...call: Parameters<Files["remove"]>): Promise<void> {
    return this.#during(() => this.#files.remove(...call));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#during(() => this.#files.rename(from, to));
  }

  exists(path: string): Promise<boolean> {
    return this.#during(() => this.#files.exists(path));
  }
}
