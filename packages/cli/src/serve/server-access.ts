// How `holdfast://server` is reached, and how each side knows the other: plain on this machine, TLS elsewhere, with pins
// and keys from the state folder. One for each connection of the daemon.
//
// Without TLS nothing is shown that is worth anything to whoever has taken the port: both ends prove a secret, the one
// that was given or, without one, the one that programs of this user share. Over TLS the owner key's token is shown to
// whom TLS verified.
import { join } from "node:path";
import { HoldfastError } from "@holdfast/core";
import { systemClock, type Attempt, type ByteLink } from "@holdfast/net";
import { proxyFromEnvironment, tcp, tls } from "@holdfast/net/node";
import type { HoldfastPluginOptions, Interaction, PluginContext, ServerAccess } from "@holdfast/remote";
import {
  loadOwnerKey,
  openKnownRelays,
  ownSecret,
  relayAddress,
  relayVerifier,
  type RelayVerifier,
  type UnknownRelay,
} from "@holdfast/trust";
import type { Context } from "../command.ts";
import { readSecretAgain } from "../secret.ts";
import { isThisMachine, readAuthority } from "../tls-trust.ts";
import { idTowards } from "./authorized-keys.ts";
import { explained, inItsWords, wantsSecret, wrongServer, type Refused } from "./server-refusals.ts";

/** Options of a connection to a server: `--option NAME=VALUE`. */
export const SERVER_OPTIONS = ["secret_file", "fingerprint", "ca", "tls"] as const;

/** The plugin's `access`. */
export function serverAccess(context: Context): HoldfastPluginOptions["access"] {
  return async (server, connection) => {
    const { options, warn } = connection;
    const ownerKey = await loadOwnerKey(join(context.paths.stateFolder, "owner.key"), {
      onWarning: (warning) => warn(warning.text),
    });
    const authority = options["ca"] === undefined ? undefined : await readAuthority(options["ca"]);
    return new Access({ context, connection, server, ownerKey, authority });
  };
}

interface AccessParts {
  readonly context: Context;
  readonly connection: PluginContext;
  readonly server: { readonly host: string; readonly port: number };
  readonly ownerKey: Uint8Array;
  readonly authority: string | undefined;
}

class Access implements ServerAccess {
  readonly dial: (attempt: Attempt) => Promise<ByteLink>;
  /** `host:port`. */
  readonly #name: string;
  readonly #parts: AccessParts;
  readonly #secure: boolean;
  readonly #verifier: RelayVerifier;
  /** Whom the last link led to. */
  #identity: string | undefined = undefined;
  /** Nobody has vouched for it yet. */
  #unknown: UnknownRelay | undefined = undefined;
  #typed: string | undefined = undefined;
  #ofFile: string | undefined = undefined;

  constructor(parts: AccessParts) {
    const { server, connection } = parts;
    const { fingerprint, ca, tls: wanted } = connection.options;
    this.#parts = parts;
    this.#name = relayAddress(server.host, server.port);
    this.#secure =
      !isThisMachine(server.host) || fingerprint !== undefined || ca !== undefined || isYes(wanted);
    this.#verifier = this.#openVerifier(fingerprint);
    const make = this.#transport();
    this.dial = async (attempt) => {
      const link = await make(attempt);
      this.#identity = link.trust.relayIdentity;
      return link;
    };
  }

  get secret(): string | undefined {
    return this.#given ?? (this.#secure ? undefined : ownSecret(this.#parts.ownerKey));
  }

  get ownerKey(): Uint8Array | undefined {
    return this.#secure ? this.#parts.ownerKey : undefined;
  }

  async prepare(): Promise<void> {
    const file = this.#parts.connection.options["secret_file"];
    // Read again for each session: it may have been replaced.
    if (file !== undefined) this.#ofFile = await readSecretAgain(file);
  }

  begun(relayIdentity: string): void {
    this.#verifier
      .confirm(relayIdentity)
      .catch((thrown: unknown) => this.#parts.connection.warn(HoldfastError.from(thrown).text));
  }

  async ask(failure: HoldfastError, interaction: Interaction): Promise<boolean> {
    const unknown = this.#unknown;
    if (failure.code === "unknown_relay" && unknown !== undefined) {
      const question = `Is ${unknown.fingerprint} the fingerprint that the server ${unknown.relay} prints when it starts?`;
      if (!(await interaction.confirm(question))) throw wrongServer(unknown);
      this.#unknown = undefined;
      await unknown.accept();
      return true;
    }
    // A secret that was given by file or flag is not doubted by asking for another.
    const given = this.#typed === undefined && this.#given !== undefined;
    if (given || !wantsSecret(failure)) return false;
    const about = explained(failure, this.#refused).text;
    const [secret] = await interaction.ask([{ text: `Secret of ${this.#name}:`, echo: false }], about);
    if (secret === undefined || secret === "") return false;
    this.#typed = secret;
    return true;
  }

  explain(failure: HoldfastError): HoldfastError {
    return wantsSecret(failure) ? explained(failure, this.#refused) : inItsWords(failure);
  }

  /** What a person has given, the latest first. */
  get #given(): string | undefined {
    return this.#typed ?? this.#parts.connection.secret?.() ?? this.#ofFile;
  }

  get #refused(): Refused {
    const identity = this.#secure ? this.#identity : undefined;
    return {
      server: this.#name,
      given: this.#given !== undefined,
      ownerId: identity === undefined ? undefined : idTowards(this.#parts.ownerKey, identity),
    };
  }

  #openVerifier(fingerprint: string | undefined): RelayVerifier {
    const { context, connection } = this.#parts;
    const knownRelays = openKnownRelays({
      path: join(context.paths.stateFolder, "known_relays"),
      clock: systemClock,
      onWarning: (warning) => connection.warn(warning.text),
    });
    const hasSecret = (): boolean => this.secret !== undefined;
    return relayVerifier({
      knownRelays,
      get hasSecret() {
        return hasSecret();
      },
      ...(fingerprint !== undefined && { fingerprints: [fingerprint] }),
      // Whether somebody is there to be asked is known only when the dial has failed.
      ask: (unknown) => void (this.#unknown = unknown),
      onPinned: (relay, key) => connection.warn(`remembered the key of ${relay}: ${key}`),
    });
  }

  #transport(): (attempt: Attempt) => Promise<ByteLink> {
    const { context, server, authority } = this.#parts;
    if (!this.#secure) return tcp(server);
    return tls({
      ...server,
      verify: (peer) => this.#verifier.verify(peer),
      ca: authority,
      proxy: proxyFromEnvironment(server.host, { ...context.env }),
    });
  }
}

function isYes(option: string | undefined): boolean {
  return option === "true" || option === "yes" || option === "1";
}
