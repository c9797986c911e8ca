// An SSH server that does as a test tells it, on ssh2's own server: it runs everywhere, and it can be malicious.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordAttempt, type RecordedAttempt } from "@holdfast/net/compliance";
import ssh2 from "ssh2";
import type { AuthContext, Connection, Session } from "ssh2";
import { onTestFinished } from "vitest";
import { parseDestination, UNATTENDED } from "../../src/index.ts";
import type { Backend, Interaction, Machine, PluginContext, Question } from "../../src/index.ts";
import { sshPlugin } from "../../src/ssh/ssh-plugin.ts";

type KeyPairReturn = ReturnType<typeof ssh2.utils.generateKeyPairSync>;
export type Authenticate = (context: AuthContext) => void;

export interface OddServerOptions {
  readonly hostKeys?: readonly KeyPairReturn[];
  /** Default: everybody is let in. */
  readonly authenticate?: Authenticate;
  readonly onSession?: (session: Session) => void;
  readonly onClient?: (client: Connection) => void;
}

/** ssh2 1.17.0 now and then writes a key that it cannot read: then another one is made. */
export function makeKey(type: "ed25519" | "rsa" = "ed25519", passphrase?: string): KeyPairReturn {
  for (let tries = 1; ; tries++) {
    const key = generateKey(type, passphrase);
    const parsed = ssh2.utils.parseKey(key.private, passphrase);
    if (!(parsed instanceof Error)) return key;
    if (tries === 20) throw parsed;
  }
}

function generateKey(type: "ed25519" | "rsa", passphrase: string | undefined): KeyPairReturn {
  const { generateKeyPairSync } = ssh2.utils;
  if (passphrase !== undefined) {
    return generateKeyPairSync("ed25519", { passphrase, cipher: "aes256-ctr", rounds: 1 });
  }
  return type === "rsa" ? generateKeyPairSync("rsa", { bits: 2_048 }) : generateKeyPairSync("ed25519");
}

/** The raw public key, as a client sees it. */
export function blobOf(key: KeyPairReturn): Buffer {
  return Buffer.from(key.public.split(" ")[1] ?? "", "base64");
}

export class OddServer {
  readonly folder: string = mkdtempSync(join(tmpdir(), "holdfast-ssh-"));
  readonly clients: Connection[] = [];
  readonly #server: InstanceType<typeof ssh2.Server>;
  port = 0;

  private constructor({ hostKeys = [makeKey()], authenticate, onSession, onClient }: OddServerOptions) {
    const keys = hostKeys.map((key) => key.private);
    this.#server = new ssh2.Server({ hostKeys: keys }, (client) => {
      this.clients.push(client);
      client.on("error", () => undefined);
      client.on("authentication", authenticate ?? ((context: AuthContext) => context.accept()));
      client.on("session", (accept) => onSession?.(accept()));
      onClient?.(client);
      // Its many small answers would wait for one another; the types do not know it.
      (client as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
    });
  }

  static async start(options: OddServerOptions = {}): Promise<OddServer> {
    const server = new OddServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    server.port = (server.#server.address() as AddressInfo).port;
    server.write("ssh_config", "IdentityAgent none\nIdentityFile none\n");
    onTestFinished(() => server.end());
    return server;
  }

  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const client of this.clients) client.end();
    await closed;
    rmSync(this.folder, { recursive: true, force: true });
  }

  get name(): string {
    return `[127.0.0.1]:${this.port}`;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string): string {
    writeFileSync(this.path(name), content, { mode: 0o600 });
    return this.path(name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  context(options: Record<string, string> = {}): PluginContext & { readonly warnings: string[] } {
    const warnings: string[] = [];
    return {
      connectionId: "1",
      environment: {},
      options: { config_file: this.path("ssh_config"), known_hosts: this.path("known_hosts"), ...options },
      memory: new Map(),
      wake: () => undefined,
      warn: (text) => warnings.push(text),
      warnings,
    };
  }

  backend(context: PluginContext = this.context()): Backend {
    return sshPlugin.open(parseDestination(`ssh://me@127.0.0.1:${this.port}`), context) as Backend;
  }

  /** A link, closed after the test. */
  async dial(
    context: PluginContext = this.context(),
    interaction: Interaction = UNATTENDED,
  ): Promise<{ readonly machine: Machine; readonly attempt: RecordedAttempt }> {
    const attempt = recordAttempt();
    const machine = await this.backend(context).dial(attempt, interaction);
    onTestFinished(() => machine.close());
    return { machine, attempt };
  }
}

/** Somebody who gives these answers, in order, and remembers the questions. */
export class Person implements Interaction {
  readonly attended = true;
  readonly asked: string[] = [];
  readonly #answers: (string | boolean)[];

  constructor(...answers: (string | boolean)[]) {
    this.#answers = answers;
  }

  ask(questions: readonly Question[]): Promise<readonly string[]> {
    this.asked.push(...questions.map(({ text }) => text));
    return Promise.resolve(questions.map(() => String(this.#answers.shift() ?? "")));
  }

  confirm(text: string): Promise<boolean> {
    this.asked.push(text);
    return Promise.resolve(this.#answers.shift() === true);
  }
}
