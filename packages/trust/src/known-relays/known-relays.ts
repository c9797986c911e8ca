// The relays that this user has met: read anew each time, changed by one process at a time.
import { dirname } from "node:path";
import { HoldfastError, type Clock } from "@holdfast/core";
import { writeFileAtomically } from "../files/atomic-file.ts";
import { withFileLock } from "../files/file-lock.ts";
import { readPrivateFile } from "../files/private-file.ts";
import { checkPrivateFolder, ensurePrivateFolder } from "../files/private-folder.ts";
import { readStateFile } from "../files/state-file.ts";
import { checkLimits, formatKnownRelays, parseKnownRelays, type Pin } from "./known-relays-file.ts";
import { relayAddress } from "./relay-address.ts";

export interface KnownRelaysOptions {
  /** The file; its folder is made with mode 0700 if there is none. */
  readonly path: string;
  readonly clock: Clock;
  /** The file was damaged: it was set aside, and nothing in it was believed. */
  readonly onWarning?: (warning: HoldfastError) => void;
}

/**
 * Pins by host and port. Every method throws HoldfastError `unsafe_folder`, `unsafe_file` or `cannot_read`; those that
 * change something also `cannot_make_folder`, `cannot_write`, `file_busy` and `limit`.
 */
export interface KnownRelays {
  /** Of one relay, oldest first. */
  pins(host: string, port: number): Promise<readonly Pin[]>;
  /** Of all. */
  all(): Promise<readonly Pin[]>;
  /** One more key for a relay; one that is known stays as it is. */
  add(host: string, port: number, fingerprint: string): Promise<void>;
  /** This key and no other for a relay. */
  replace(host: string, port: number, fingerprint: string): Promise<void>;
  /** Forget one key of a relay, or all of them. @returns how many were forgotten. */
  forget(host: string, port: number, fingerprint?: string): Promise<number>;
}

/** Touches no file yet. */
export function openKnownRelays(options: KnownRelaysOptions): KnownRelays {
  return new KnownRelaysFile(options);
}

class KnownRelaysFile implements KnownRelays {
  readonly #options: KnownRelaysOptions;

  constructor(options: KnownRelaysOptions) {
    this.#options = options;
  }

  async pins(host: string, port: number): Promise<readonly Pin[]> {
    const relay = relayAddress(host, port);
    return (await this.all()).filter((pin) => pin.relay === relay);
  }

  async all(): Promise<readonly Pin[]> {
    const { path } = this.#options;
    if (!(await checkPrivateFolder(dirname(path)))) return [];
    const text = await readPrivateFile(path);
    if (text === undefined) return [];
    try {
      return parseKnownRelays(text);
    } catch {
      // Under the lock, so that the good file of another process is not set aside in its place.
      return await withFileLock(path, this.#options, () => this.#read());
    }
  }

  async add(host: string, port: number, fingerprint: string): Promise<void> {
    const relay = relayAddress(host, port);
    await this.#change(relay, (pins) => {
      const known = pins.some((pin) => pin.relay === relay && pin.fingerprint === fingerprint);
      return known ? pins : [...pins, this.#pin(relay, fingerprint)];
    });
  }

  async replace(host: string, port: number, fingerprint: string): Promise<void> {
    const relay = relayAddress(host, port);
    await this.#change(relay, (pins) => {
      const ofRelay = pins.filter((pin) => pin.relay === relay);
      const present = ofRelay.find((pin) => pin.fingerprint === fingerprint);
      if (present !== undefined && ofRelay.length === 1) return pins;
      return [...pins.filter((pin) => pin.relay !== relay), present ?? this.#pin(relay, fingerprint)];
    });
  }

  async forget(host: string, port: number, fingerprint?: string): Promise<number> {
    const relay = relayAddress(host, port);
    let forgotten = 0;
    await this.#change(relay, (pins) => {
      const kept = pins.filter(
        (pin) => pin.relay !== relay || (fingerprint !== undefined && pin.fingerprint !== fingerprint),
      );
      forgotten = pins.length - kept.length;
      return forgotten === 0 ? pins : kept;
    });
    return forgotten;
  }

  #pin(relay: string, fingerprint: string): Pin {
    return { relay, fingerprint, addedAt: this.#options.clock.wall() };
  }

  async #change(relay: string, change: (pins: readonly Pin[]) => readonly Pin[]): Promise<void> {
    const { path } = this.#options;
    await ensurePrivateFolder(dirname(path));
    await withFileLock(path, this.#options, async (lock) => {
      const before = await this.#read();
      const after = change(before);
      if (after === before) return;
      checkLimits(after, relay);
      await writeFileAtomically(path, formatKnownRelays(after), lock.assertHeld);
    });
  }

  async #read(): Promise<readonly Pin[]> {
    const { path, onWarning } = this.#options;
    const { value, setAside } = await readStateFile(path, parseKnownRelays);
    if (setAside !== undefined) {
      onWarning?.(
        new HoldfastError({
          code: "corrupt_file",
          message: `the list of known relays ${path} was damaged, so no relay in it is trusted; it is now ${setAside}`,
          fault: "local",
          hint: "mend it and put it back, or accept each relay again after comparing its fingerprint",
        }),
      );
    }
    return value ?? [];
  }
}
