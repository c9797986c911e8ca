// An `ssh` that prints what a test wants `ssh -G` to print, and writes down how it was called.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { OddServer } from "./odd-server.ts";

export class FakeSsh {
  readonly folder: string;
  readonly #calls: string;

  constructor(server: OddServer) {
    this.folder = server.path("bin");
    this.#calls = server.path("calls");
    mkdirSync(this.folder);
  }

  /** For the environment of a connection. */
  get path(): string {
    return `${this.folder}${delimiter}/usr/bin${delimiter}/bin`;
  }

  prints(...lines: readonly string[]): void {
    writeFileSync(join(this.folder, "printed"), `${lines.join("\n")}\n`);
    this.#script(
      `for word; do printf '%s\\n' "$word"; done >>'${this.#calls}'; cat '${this.folder}/printed'`,
    );
  }

  fails(printf: string): void {
    this.#script(`printf '${printf}' >&2; exit 255`);
  }

  /** All words that it was called with, one after the other. */
  get calls(): readonly string[] {
    return existsSync(this.#calls) ? readFileSync(this.#calls, "utf8").trimEnd().split("\n") : [];
  }

  #script(body: string): void {
    const file = join(this.folder, "ssh");
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
  }
}
