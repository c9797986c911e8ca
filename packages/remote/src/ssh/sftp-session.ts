// One SFTP channel for a link, opened when it is needed and again if the far side ended it, with its answers as promises.
import { HoldfastError } from "@holdfast/core";
import { peerText, sessionFailure } from "./failures.ts";
import type { Sftp, SshClient, SshLibraryError } from "./library.ts";
import type { LinkLife } from "./link-life.ts";

/** The status codes of SFTP 3. */
export const STATUS = { eof: 1, notFound: 2, denied: 3, failure: 4, unsupported: 8 } as const;

/** Requests under way; the rest wait. */
const MOST_PENDING = 128;

export class SftpSession {
  readonly #client: SshClient;
  readonly #life: LinkLife;
  #sftp: Promise<Sftp> | undefined;
  #pending = 0;
  /** Bounded by what callers wait for; each is one of their calls. */
  readonly #waiting: (() => void)[] = [];

  constructor(client: SshClient, life: LinkLife) {
    this.#client = client;
    this.#life = life;
  }

  /**
   * One request.
   * @throws HoldfastError `not_found`, `permission_denied`, `unsupported`, `failed` for what the server calls a
   * failure, `link_lost`, `not_connected`.
   */
  async ask<T>(
    path: string,
    send: (sftp: Sftp, settle: (error: Error | null | undefined, value?: T) => void) => unknown,
  ): Promise<T> {
    this.#life.check();
    await this.#turn();
    try {
      const sftp = await this.#open();
      return await this.#life.run<T>(
        (settle) => void send(sftp, settle),
        (error) => explain(error, path),
      );
    } finally {
      this.#pending--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#pending >= MOST_PENDING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#pending++;
  }

  #open(): Promise<Sftp> {
    const forget = (): void => void (this.#sftp = undefined);
    this.#sftp ??= this.#life
      .run<Sftp>(
        (settle) => this.#client.sftp(settle),
        sessionFailure("the far side has no file transfer (SFTP)"),
      )
      .then((sftp) => {
        sftp.on("error", forget);
        sftp.once("end", forget);
        sftp.once("close", forget);
        return sftp;
      });
    this.#sftp.catch(forget);
    return this.#sftp;
  }
}

/** The status of the server's answer, if it was one. */
export function statusOf(error: unknown): number | undefined {
  const { cause } = error as HoldfastError;
  const code = (cause as SshLibraryError | undefined)?.code;
  return typeof code === "number" ? code : undefined;
}

function explain(error: SshLibraryError, path: string): HoldfastError {
  const where = peerText(path);
  const said = peerText(error.message);
  const fatal = { kind: "fatal", fault: "peer", cause: error } as const;
  switch (error.code) {
    case STATUS.notFound:
      return new HoldfastError({ code: "not_found", message: `there is no ${where}`, ...fatal });
    case STATUS.denied:
      return new HoldfastError({ code: "permission_denied", message: `${where}: not allowed`, ...fatal });
    case STATUS.unsupported:
      return new HoldfastError({
        code: "unsupported",
        message: `${where}: the server cannot do this`,
        ...fatal,
      });
    default:
      return new HoldfastError({ code: "failed", message: `${where}: ${said}`, ...fatal });
  }
}
