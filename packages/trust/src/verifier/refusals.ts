// What a person is told when a relay is not trusted: what happened, what it can mean, and how to accept it.
import { HoldfastError } from "@holdfast/core";
import { dayText } from "../wall-time.ts";
import type { RelayPeer } from "./relay-peer.ts";
import { whyNotAuthorized } from "./tls-words.ts";

/** Whoever answered has no certificate that can be read: no relay of ours. */
export function unreadableCertificate(relay: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: "not_our_peer",
    message: `${relay} has a certificate that cannot be read`,
    kind: "fatal",
    fault: "peer",
    hint: "is a login page of this network in the way, or another service on this port?",
    cause,
  });
}

/** A key that a relay is known by; without a time if it is known to this process alone. */
export interface KnownKey {
  readonly fingerprint: string;
  readonly addedAt: number | undefined;
}

/** The identity is another than the one that is known. */
export interface Change {
  readonly relay: string;
  readonly presented: string;
  /** A session with the right one began in this process: it may come back. Before that a mistake is more likely. */
  readonly metBefore: boolean;
}

/** Another key than those that were pinned. */
export function keyChanged(change: Change, peer: RelayPeer, keys: readonly KnownKey[]): HoldfastError {
  const { relay, presented } = change;
  const known = keys
    .map(({ fingerprint, addedAt }) =>
      addedAt === undefined ? fingerprint : `${fingerprint} (since ${dayText(addedAt)})`,
    )
    .join(" or ");
  const vouched = peer.authorized ? "; a certificate authority vouches for the new one" : "";
  const what = `${relay} has another key than before: it shows ${presented}, known is ${known}${vouched}`;
  return changed(change, what, "run once with");
}

/** Another key than the one that was asked for. */
export function keyNotAsGiven(change: Change, given: readonly string[]): HoldfastError {
  const { relay, presented } = change;
  const what = `${relay} has another key than --fingerprint says: it shows ${presented}, wanted is ${given.join(" or ")}`;
  return changed(change, what, "run with");
}

/** An authority vouched for it before, and does no longer. */
export function nameLost(change: Change, peer: RelayPeer): HoldfastError {
  const { relay, presented } = change;
  const why = whyNotAuthorized(peer.authorizationError);
  const what = `${relay} was vouched for by a certificate authority before and is no longer (${why}): it shows ${presented}`;
  return changed(change, what, "run with");
}

function changed({ metBefore, presented }: Change, message: string, run: string): HoldfastError {
  return new HoldfastError({
    code: "identity_changed",
    message,
    kind: metBefore ? "transient" : "fatal",
    fault: "peer",
    hint:
      "either the relay was reinstalled or given a new key, or somebody is in between (a login page of this " +
      "network, or worse). Compare with the fingerprint that the relay prints when it starts; only if it is the " +
      `same, ${run} --fingerprint ${presented}`,
  });
}

/** Nobody knows it, and nobody is there to ask. */
export function unknownRelay(relay: string, presented: string, peer: RelayPeer): HoldfastError {
  return new HoldfastError({
    code: "unknown_relay",
    message: `${notKnown(relay, peer)}: it shows ${presented}`,
    kind: "fatal",
    fault: "peer",
    hint:
      "compare with the fingerprint that the relay prints when it starts; if it is the same, run with " +
      `--fingerprint ${presented}; or give both sides the same secret (--secret-file, HOLDFAST_SECRET)`,
  });
}

/** Nobody knows it, and somebody is there to say. */
export function relayInQuestion(relay: string, presented: string, peer: RelayPeer): HoldfastError {
  return new HoldfastError({
    code: "unknown_relay",
    message: `${notKnown(relay, peer)}: it shows ${presented}`,
    kind: "unauthorized",
    fault: "peer",
    prompt: `Is ${presented} the fingerprint that the relay ${relay} prints when it starts?`,
    hint: `to say so at once, run with --fingerprint ${presented}`,
  });
}

function notKnown(relay: string, peer: RelayPeer): string {
  return `the relay ${relay} is not known yet, and ${whyNotAuthorized(peer.authorizationError)}`;
}
