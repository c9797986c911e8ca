// Whether a host is the one it should be. The first connect of a connection decides by known_hosts and the policy, and
// its key is pinned; what nobody watches afterwards accepts that key and no other.
import { createHash, randomBytes } from "node:crypto";
import { HoldfastError } from "@holdfast/core";
import type { Interaction } from "../plugin/interaction.ts";
import { appendKnownHost, readKnownHosts } from "./known-hosts-file.ts";
import type { HostVerdict, KnownHosts } from "./known-hosts.ts";
import { judgeKey, keyTypeOf, knownHostLine, linesFor } from "./known-hosts.ts";
import { quote } from "./quote.ts";

/** What happens with a host that no file knows. `accept-new` records it; `ask` asks whoever is there. */
export type HostKeyPolicy = "strict" | "accept-new" | "ask";

export interface HostKeyOptions {
  /** As known_hosts has it: `host` or `[host]:port`. */
  readonly name: string;
  readonly policy: HostKeyPolicy;
  /** A new host is recorded in the first. */
  readonly files: readonly string[];
  /** Record new names hashed. */
  readonly hashNames: boolean;
  /** Where the key of the original connect is kept. */
  readonly memory: Map<string, string>;
  readonly interaction: Interaction;
  readonly warn: (text: string) => void;
}

/** Every algorithm by which a key of a type can sign. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

/** OpenSSH's form: `SHA256:` and base64 without padding. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** One host's key, judged at each dial of one connection. */
export class HostKeyCheck {
  readonly #options: HostKeyOptions;
  readonly #known: KnownHosts;

  private constructor(options: HostKeyOptions, known: KnownHosts) {
    this.#options = options;
    this.#known = known;
  }

  /** Reads the files. */
  static async prepare(options: HostKeyOptions): Promise<HostKeyCheck> {
    const known = await readKnownHosts(options.files);
    for (const problem of known.problems) options.warn(problem);
    for (const { marker, file, line } of linesFor(options.name, known)) {
      if (marker !== "@cert-authority") continue;
      options.warn(`${file}:${line}: host certificates are not supported; the host needs a line of its own`);
    }
    return new HostKeyCheck(options, known);
  }

  /** The algorithms to offer, those of the recorded keys first: else a host would answer with another key. */
  get algorithms(): readonly string[] {
    const recorded = linesFor(this.#options.name, this.#known)
      .filter(({ marker }) => marker === undefined)
      .map(({ keyType }) => keyType);
    const pinned = this.#pinned;
    const types = [...(pinned === undefined ? [] : [keyTypeOf(pinned) ?? ""]), ...recorded];
    const all = [...types, ...Object.keys(ALGORITHMS)].flatMap((type) => ALGORITHMS[type] ?? []);
    return [...new Set(all)];
  }

  /**
   * Returns if the key is the host's, or is taken to be from now on.
   * @throws HoldfastError `identity_changed`, `host_key_revoked`, `unknown_host` (fatal), `auth_required`.
   */
  async judge(key: Buffer): Promise<void> {
    const { name, interaction, memory } = this.#options;
    const verdict = judgeKey(name, key, this.#known);
    if (verdict.kind === "revoked") throw this.#revoked(key, verdict);
    const pinned = this.#pinned;
    if (pinned !== undefined && !interaction.attended) {
      if (Buffer.from(pinned, "base64").equals(key)) return;
      throw this.#unattendedChange(key, Buffer.from(pinned, "base64"));
    }
    if (verdict.kind === "changed") throw this.#changed(key, verdict);
    if (verdict.kind === "unknown") await this.#meet(key);
    memory.set(pinName(name), key.toString("base64"));
  }

  get #pinned(): string | undefined {
    return this.#options.memory.get(pinName(this.#options.name));
  }

  async #meet(key: Buffer): Promise<void> {
    const { name, policy, interaction, files, hashNames, warn } = this.#options;
    const shown = `${keyTypeOf(key) ?? "unknown"} ${fingerprint(key)}`;
    if (policy === "strict") {
      const message = `the host ${name} is not known (its key is ${shown}), and only known hosts are accepted`;
      const hint = `compare the fingerprint with the host's, then add its line to ${files[0] ?? "known_hosts"}`;
      throw new HoldfastError({ code: "unknown_host", message, hint, kind: "fatal", fault: "peer" });
    }
    // No file speaks of the host any more, and yet it had a key when it was first connected.
    const first = this.#pinned === undefined ? key : Buffer.from(this.#pinned, "base64");
    const changed = !first.equals(key);
    if (policy === "ask" || changed) {
      const about = changed ? `; when it was first connected it was ${fingerprint(first)}` : "";
      if (!(await interaction.confirm(`The key of ${name} is ${shown}${about}. Is it the right one?`))) {
        const message = `the key of ${name}, ${shown}, was not accepted${about}`;
        const code = changed ? "identity_changed" : "unknown_host";
        throw new HoldfastError({ code, message, kind: "fatal", fault: "local" });
      }
    }
    const file = files[0];
    if (file === undefined) return;
    try {
      await appendKnownHost(file, knownHostLine(name, key, hashNames ? randomBytes(20) : undefined));
    } catch (error) {
      warn(`${name} could not be recorded in ${file}: ${(error as Error).message}`);
    }
  }

  #unattendedChange(key: Buffer, pinned: Buffer): HoldfastError {
    const { name } = this.#options;
    const message =
      `${name} has another key than when it was first connected: it shows ${fingerprint(key)}, ` +
      `the first was ${fingerprint(pinned)}`;
    const hint = "connect again by hand once you know that the host's key was changed on purpose";
    const details = { code: "auth_required", message, prompt: message, hint } as const;
    return new HoldfastError({ ...details, kind: "unauthorized", fault: "peer" });
  }

  #changed(key: Buffer, { recorded }: Extract<HostVerdict, { kind: "changed" }>): HoldfastError {
    const { name } = this.#options;
    const { file, line } = recorded;
    const message =
      `the key of ${name} has changed: it shows ${fingerprint(key)}, ` +
      `${file}:${line} has ${fingerprint(Buffer.from(recorded.key, "base64"))}. Somebody may be in between`;
    const hint = `if the host was changed on purpose: ssh-keygen -R ${quote(name)} -f ${quote(file)}`;
    return new HoldfastError({ code: "identity_changed", message, hint, kind: "fatal", fault: "peer" });
  }

  #revoked(key: Buffer, { recorded }: Extract<HostVerdict, { kind: "revoked" }>): HoldfastError {
    const { file, line } = recorded;
    const message = `the key of ${this.#options.name}, ${fingerprint(key)}, is revoked by ${file}:${line}`;
    const hint = "the host needs another key";
    return new HoldfastError({ code: "host_key_revoked", message, hint, kind: "fatal", fault: "peer" });
  }
}

function pinName(name: string): string {
  return `host_key ${name}`;
}
