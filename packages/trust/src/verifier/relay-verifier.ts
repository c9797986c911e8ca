// Whether a relay is who it should be, in this order: a fingerprint that was given, or a pin, decides; else a
// certificate authority; else this is the first use, which needs a shared secret or a person.
import type { HoldfastError } from "@holdfast/core";
import { certificateFingerprint, parseFingerprint } from "../certificate/fingerprint.ts";
import type { KnownRelays } from "../known-relays/known-relays.ts";
import { nameIdentity, pinIdentity, relayAddress } from "../known-relays/relay-address.ts";
import {
  keyChanged,
  keyNotAsGiven,
  nameLost,
  relayInQuestion,
  unknownRelay,
  unreadableCertificate,
  type KnownKey,
} from "./refusals.ts";
import type { RelayPeer, RelayVerdict } from "./relay-peer.ts";

/** A relay that nobody has vouched for, for a person to judge. */
export interface UnknownRelay {
  /** `host:port`. */
  readonly relay: string;
  readonly fingerprint: string;
  /** The person says that it is the right one: remember it. Dial again afterwards (`line.answer()`). */
  accept(): Promise<void>;
}

export interface RelayVerifierOptions {
  readonly knownRelays: KnownRelays;
  /** Given by a person for this run (`--fingerprint`); one of them must be shown. In any form that `parseFingerprint` reads. */
  readonly fingerprints?: readonly string[];
  /** Both sides will prove a shared secret over the TLS exporter, which makes the first use safe. Default `false`. */
  readonly hasSecret?: boolean;
  /**
   * A person is there. Told of a relay on first use, without a secret; the dial then ends `unauthorized` with a prompt,
   * so that a line waits in `auth_required` for as long as the person takes. Default: nobody is there, first use is
   * refused.
   */
  readonly ask?: (unknown: UnknownRelay) => void;
  /** A relay's key was remembered from now on. */
  readonly onPinned?: (relay: string, fingerprint: string) => void;
}

export interface RelayVerifier {
  /**
   * For a transport, between the TLS handshake and the first byte.
   * @throws HoldfastError `identity_changed` (fatal until a session was confirmed, then transient), `unknown_relay`
   * (fatal; `unauthorized` with a prompt if a person can be asked), `not_our_peer`, and what `KnownRelays.pins` throws.
   */
  verify(peer: RelayPeer): Promise<RelayVerdict>;
  /**
   * A session has begun with the relay that has this identity, its proof included if there is a secret: remember its
   * key if it is to be. Call it for each new session.
   * @throws HoldfastError as `KnownRelays.add`; this process trusts the relay all the same.
   */
  confirm(relayIdentity: string): Promise<void>;
}

/** @throws HoldfastError `bad_fingerprint`. */
export function relayVerifier(options: RelayVerifierOptions): RelayVerifier {
  return new Verifier(options);
}

/** What `verify` found at an address, and what `confirm` has to do about it. */
interface Sighting {
  readonly identity: string;
  readonly host: string;
  readonly port: number;
  readonly pin: { readonly fingerprint: string; readonly how: Lesson } | undefined;
}

/** Remember the key beside those that are known, or instead of them; or forget those, and remember none. */
type Lesson = "add" | "replace" | "forget";

/** A process dials one relay, or a few. */
const MAX_SIGHTINGS = 64;

class Verifier implements RelayVerifier {
  readonly #options: RelayVerifierOptions;
  readonly #given: readonly string[];
  /** At most `MAX_SIGHTINGS`, newest last. */
  #sightings: readonly Sighting[] = [];
  /** Addresses where a session began; bounded by the addresses that this process was told to dial. */
  readonly #met = new Set<string>();
  /** Addresses that an authority has vouched for; bounded likewise. */
  readonly #named = new Set<string>();
  /** Keys that are trusted although the file could not be written, by address; bounded likewise. */
  readonly #unwritten = new Map<string, string>();

  constructor(options: RelayVerifierOptions) {
    this.#options = options;
    this.#given = (options.fingerprints ?? []).map(parseFingerprint);
  }

  async verify(peer: RelayPeer): Promise<RelayVerdict> {
    const relay = relayAddress(peer.host, peer.port);
    const presented = fingerprintOf(peer, relay);
    const change = { relay, presented, metBefore: this.#met.has(relay) };
    const pins = await this.#pins(peer, relay);
    const pinned = pins.some(({ fingerprint }) => fingerprint === presented);
    if (this.#given.length > 0) {
      if (!this.#given.includes(presented)) throw keyNotAsGiven(change, this.#given);
      const known = pins.map(({ fingerprint }) => fingerprint);
      return this.#known(peer, presented, pinned ? undefined : this.#lesson(peer, known));
    }
    if (pinned) return this.#known(peer, presented, undefined);
    if (pins.length > 0) throw keyChanged(change, peer, pins);
    if (peer.authorized) {
      this.#named.add(relay);
      return this.#saw(peer, nameIdentity(peer.host), undefined, true);
    }
    if (this.#named.has(relay)) throw nameLost(change, peer);
    if (this.#options.hasSecret === true) {
      return this.#saw(peer, pinIdentity(presented), { fingerprint: presented, how: "add" }, false);
    }
    throw this.#firstUse(peer, relay, presented);
  }

  async confirm(relayIdentity: string): Promise<void> {
    const confirmed = this.#sightings.filter(({ identity }) => identity === relayIdentity);
    for (const { host, port } of confirmed) this.#met.add(relayAddress(host, port));
    for (const sighting of confirmed) {
      if (sighting.pin === undefined) continue;
      await this.#remember(sighting, sighting.pin);
      this.#sightings = this.#sightings.map((seen) =>
        seen === sighting ? { ...seen, pin: undefined } : seen,
      );
    }
  }

  /** What to learn from a fingerprint that was given and is not among those that are known. */
  #lesson(peer: RelayPeer, known: readonly string[]): Lesson | undefined {
    // What an authority vouches for may change its key as it likes. It is held to one in this run only, and a key from
    // before it had such a certificate holds it back no longer.
    if (peer.authorized) return known.length === 0 ? undefined : "forget";
    return known.every((fingerprint) => this.#given.includes(fingerprint)) ? "add" : "replace";
  }

  #known(peer: RelayPeer, fingerprint: string, how: Lesson | undefined): RelayVerdict {
    const pin = how === undefined ? undefined : { fingerprint, how };
    return this.#saw(peer, pinIdentity(fingerprint), pin, true);
  }

  #saw({ host, port }: RelayPeer, identity: string, pin: Sighting["pin"], verified: boolean): RelayVerdict {
    const others = this.#sightings.filter(
      (seen) => seen.identity !== identity || seen.host !== host || seen.port !== port,
    );
    this.#sightings = [...others, { identity, host, port, pin }].slice(-MAX_SIGHTINGS);
    return { relayIdentity: identity, verified };
  }

  async #pins({ host, port }: RelayPeer, relay: string): Promise<readonly KnownKey[]> {
    const stored = await this.#options.knownRelays.pins(host, port);
    const unwritten = this.#unwritten.get(relay);
    return unwritten === undefined ? stored : [...stored, { fingerprint: unwritten, addedAt: undefined }];
  }

  /** Trusted at once; the file may be slow, or refuse. */
  async #remember(
    { host, port }: Address,
    { fingerprint, how }: NonNullable<Sighting["pin"]>,
  ): Promise<void> {
    const { knownRelays, onPinned } = this.#options;
    const relay = relayAddress(host, port);
    if (how === "forget") return void (await knownRelays.forget(host, port));
    this.#unwritten.set(relay, fingerprint);
    await knownRelays[how](host, port, fingerprint);
    this.#unwritten.delete(relay);
    onPinned?.(relay, fingerprint);
  }

  #firstUse(peer: RelayPeer, relay: string, presented: string): HoldfastError {
    const { ask } = this.#options;
    if (ask === undefined) return unknownRelay(relay, presented, peer);
    const pin = { fingerprint: presented, how: "add" } as const;
    ask({ relay, fingerprint: presented, accept: () => this.#remember(peer, pin) });
    return relayInQuestion(relay, presented, peer);
  }
}

type Address = Pick<RelayPeer, "host" | "port">;

function fingerprintOf(peer: RelayPeer, relay: string): string {
  try {
    return certificateFingerprint(peer.certificateDer);
  } catch (thrown) {
    throw unreadableCertificate(relay, thrown);
  }
}
