// One SFTP channel for a link, opened when it is needed and again if the far side ended it, with its answers as promises.
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { within } from "../connection/deadline.ts";
import { peerText } from "../plugin/peer-text.ts";
import { sessionFailure } from "./failures.ts";
import type { Sftp, SshClient, SshLibraryError } from "./library.ts";
import type { LinkLife } from "./link-life.ts";
import { SftpChannel } from "./sftp-channel.ts";

/** The status codes of SFTP 3. */
export const STATUS = { eof: 1, notFound: 2, denied: 3, failure: 4, unsupported: 8 } as const;

/** Requests under way; the rest wait. */
const MOST_PENDING = 128;
/** A disk that has to wake up, or a file system behind a network, may take its time. */
const ANSWER_MS = 120_000;

export class SftpSession {
  readonly #client: SshClient;
  readonly #life: LinkLife;
  readonly #answerMs: number;
  #channel: Promise<SftpChannel> | undefined;
  #pending = 0;
  /** Bounded by what callers wait for; each is one of their calls. */
  readonly #waiting: (() => void)[] = [];

  /** A request has `answerMs`, 120,000 by default, for its answer. */
  constructor(client: SshClient, life: LinkLife, answerMs: number = ANSWER_MS) {
    this.#client = client;
    this.#life = life;
    this.#answerMs = answerMs;
  }

  /**
   * One request.
   * @throws HoldfastError `not_found`, `permission_denied`, `unsupported`, `failed` for what the server calls a
   * failure, `timed_out`, `link_lost`, `not_connected`.
   */
  async ask<T>(
    path: string,
    send: (sftp: Sftp, settle: (error: Error | null | undefined, value?: T) => void) => unknown,
  ): Promise<T> {
    this.#life.check();
    await this.#turn();
    try {
      const channel = await this.#open();
      const answer = this.#life.run<T>(
        (settle) => channel.ask(send, settle),
        (error) => explain(error, path),
      );
      return await within(systemClock, this.#answerMs, answer, () => noAnswer(path, this.#answerMs));
    } finally {
      this.#pending--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#pending >= MOST_PENDING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#pending++;
  }

  #open(): Promise<SftpChannel> {
    if (this.#channel !== undefined) return this.#channel;
    let own: Promise<SftpChannel> | undefined = undefined;
    const forget = (): void => {
      if (this.#channel === own) this.#channel = undefined;
    };
    const opening = this.#life.run<SftpChannel>((settle) => {
      this.#client.sftp((error, sftp) => {
        if (error !== undefined) return settle(error);
        // At once: what is wrong may follow in the same packet, and an error that nobody hears ends our own process.
        settle(undefined, new SftpChannel(sftp, forget));
      });
    }, sessionFailure("the far side has no file transfer (SFTP)"));
    const late = (): HoldfastError => noAnswer("the start of file transfer (SFTP)", this.#answerMs);
    own = within(systemClock, this.#answerMs, opening, late);
    own.catch(forget);
    this.#channel = own;
    return own;
  }
}

function noAnswer(path: string, ms: number): HoldfastError {
  const message = `${peerText(path)}: the server gave no answer within ${ms} ms`;
  return new HoldfastError({ code: "timed_out", message, fault: "peer" });
}

/** It answers, and not what was asked. */
export function badAnswer(path: string): HoldfastError {
  const message = `${peerText(path)}: the server says that all is well, and not what was asked`;
  return new HoldfastError({ code: "bad_answer", message, kind: "fatal", fault: "peer" });
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
