// One SFTP channel. When it ends, or the far side breaks the protocol, all that was asked on it fails: ssh2 forgets the
// request whose answer it could not read.
import type { Sftp } from "./library.ts";
import { guardSftp } from "./library.ts";

type Settle<T> = (error: Error | null | undefined, value?: T) => void;

export class SftpChannel {
  readonly #sftp: Sftp;
  /** One for each request under way, which the session bounds. */
  readonly #asked = new Set<(error: Error) => void>();
  #end: Error | undefined;

  /** `onEnd` is called once. */
  constructor(sftp: Sftp, onEnd: () => void) {
    this.#sftp = sftp;
    guardSftp(sftp, (error) => {
      if (this.#end !== undefined) return;
      this.#end = error;
      onEnd();
      for (const fail of this.#asked) fail(error);
      this.#asked.clear();
    });
  }

  ask<T>(send: (sftp: Sftp, settle: Settle<T>) => unknown, settle: Settle<T>): void {
    if (this.#end !== undefined) return settle(this.#end);
    const fail = (error: Error): void => settle(error);
    this.#asked.add(fail);
    send(this.#sftp, (error, value) => {
      // After its failure nobody wants its answer.
      if (this.#asked.delete(fail)) settle(error, value);
    });
  }
}
