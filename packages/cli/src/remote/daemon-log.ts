// The log of a daemon that runs in the background: one JSON object a line, in a file that is put aside when it has
// grown, so that a few of them are all that there ever is.
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import type { LogLine } from "@holdfast/control";
import { pino } from "pino";

/** A file is put aside at this size. */
const MOST_BYTES = 5 * 1024 * 1024;
/** Files that are kept beside the present one: `daemon.log.1` is the newest. */
const KEPT_FILES = 3;

type LogRecord = Omit<LogLine, "type" | "time">;

export interface DaemonLogFile {
  write(record: LogRecord): void;
  close(): void;
}

export interface DaemonLogOptions {
  /** Default 5 MiB. */
  readonly maxBytes?: number;
  /** Default 3. */
  readonly keptFiles?: number;
}

/** A log that cannot be written, because the disk is full say, ends nothing: its lines are lost. */
export function openDaemonLog(path: string, options: DaemonLogOptions = {}): DaemonLogFile {
  const file = new RotatedFile(path, { maxBytes: MOST_BYTES, keptFiles: KEPT_FILES, ...options });
  const logger = pino(
    {
      base: { type: "log" },
      messageKey: "message",
      level: "debug",
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    file,
  );
  return {
    write: ({ level, message, ...fields }) => logger[level](fields, message),
    close: () => file.close(),
  };
}

class RotatedFile {
  readonly #path: string;
  readonly #options: Required<DaemonLogOptions>;
  #fd: number | undefined;
  #bytes = 0;

  constructor(path: string, options: Required<DaemonLogOptions>) {
    this.#path = path;
    this.#options = options;
    this.#open();
  }

  write(line: string): void {
    try {
      if (this.#bytes >= this.#options.maxBytes) this.#rotate();
      if (this.#fd === undefined) this.#open();
      if (this.#fd !== undefined) this.#bytes += writeSync(this.#fd, line);
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): void {
    this.#fd = openSync(this.#path, "a", 0o600);
    this.#bytes = fstatSync(this.#fd).size;
  }

  #rotate(): void {
    this.close();
    for (let number = this.#options.keptFiles; number > 0; number--) {
      try {
        renameSync(number === 1 ? this.#path : `${this.#path}.${number - 1}`, `${this.#path}.${number}`);
      } catch {
        // There were not as many yet.
      }
    }
  }
}
