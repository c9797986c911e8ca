// The leases on disk: read once when the relay starts, and written whenever they are other ones.
import { HoldfastError, type Clock } from "@holdfast/core";
import { FileSaver, readStateFile, writeFileAtomically } from "@holdfast/trust/files";
import type { KeptLease } from "./lease.ts";
import { decodeLeases, encodeLeases } from "./lease-file.ts";
import type { LeaseTable } from "./lease-table.ts";

export interface LeaseBookOptions {
  /** Absent: leases end with the relay. */
  readonly path: string | undefined;
  readonly table: LeaseTable;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly onWarning: (warning: HoldfastError) => void;
}

export class LeaseBook {
  readonly #options: LeaseBookOptions;
  readonly #saver: FileSaver | undefined;

  constructor(options: LeaseBookOptions) {
    const { path, table, clock, onWarning } = options;
    this.#options = options;
    this.#saver =
      path === undefined
        ? undefined
        : new FileSaver({
            clock,
            onWarning,
            encode: () => encodeLeases(table.leases(), clock),
            write: (text) => writeFileAtomically(path, text),
          });
  }

  /**
   * What the relay before this one promised.
   * @throws HoldfastError `cannot_read` or `unsafe_file` (fatal). A damaged file is set aside, with a warning.
   */
  async load(): Promise<readonly KeptLease[]> {
    const { path, clock, leaseMs, onWarning } = this.#options;
    if (path === undefined) return [];
    const { value, setAside } = await readStateFile(path, (text) => decodeLeases(text, clock, leaseMs));
    if (setAside !== undefined) onWarning(damaged(path, setAside));
    return value ?? [];
  }

  /** The leases are other ones now. */
  touch(): void {
    this.#saver?.touch();
  }

  /** Everything that changed so far is on disk, or cannot be; `undefined` if nothing has to be written. */
  saved(): Promise<void> | undefined {
    return this.#saver?.flush();
  }

  /** Write what is not written yet. */
  async close(): Promise<void> {
    await this.#saver?.flush();
  }
}

function damaged(path: string, setAside: string): HoldfastError {
  return new HoldfastError({
    code: "damaged_file",
    message: `the leases in ${path} cannot be read; the file was put aside as ${setAside}`,
    hint: "ports go to whoever asks first until their owners are back",
    fault: "local",
  });
}
