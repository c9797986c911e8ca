// Which variables sshd takes (`AcceptEnv`). It does not say when it drops one, so each name is tried once per link; the
// others go onto the command line, where other users of the far machine can see them.
import { randomBytes } from "node:crypto";
import type { SshClient } from "./library.ts";
import type { LinkLife } from "./link-life.ts";
import { runLine } from "./run-line.ts";

export interface SplitEnvironment {
  /** sshd takes these. */
  readonly sent: Readonly<Record<string, string>>;
  /** These stand on the command line. */
  readonly written: Readonly<Record<string, string>>;
}

/** Names whose fate is remembered; beyond them, variables are written. */
const MOST_NAMES = 1_024;
/** Names that are tried at once. */
const MOST_TRIED = 64;

export class AcceptedEnvironment {
  readonly #client: SshClient;
  readonly #life: LinkLife;
  /** At most `MOST_NAMES`. */
  readonly #accepted = new Map<string, boolean>();

  constructor(client: SshClient, life: LinkLife) {
    this.#client = client;
    this.#life = life;
  }

  /** @throws HoldfastError `link_lost`, `not_connected`. */
  async split(environment: Readonly<Record<string, string>>): Promise<SplitEnvironment> {
    const unknown = Object.keys(environment).filter((name) => !this.#accepted.has(name));
    if (unknown.length > 0) await this.#learn(unknown.slice(0, MOST_TRIED));
    const entries = Object.entries(environment);
    const taken = (name: string): boolean => this.#accepted.get(name) === true;
    return {
      sent: Object.fromEntries(entries.filter(([name]) => taken(name))),
      written: Object.fromEntries(entries.filter(([name]) => !taken(name))),
    };
  }

  async #learn(names: readonly string[]): Promise<void> {
    const token = randomBytes(8).toString("hex");
    const tried = Object.fromEntries(names.map((name) => [name, token]));
    const line = `printf '%s\\n' ${names.map((name) => `"$${name}"`).join(" ")}`;
    const { stdout } = await runLine(this.#client, this.#life, line, tried);
    const values = stdout.split("\n");
    const complete = values.length === names.length + 1;
    for (const [index, name] of names.entries()) {
      if (this.#accepted.size < MOST_NAMES) this.#accepted.set(name, complete && values[index] === token);
    }
  }
}
