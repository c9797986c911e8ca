// What a person is told when a server does not let them in, or is not who it should be: what to give, and to whom.
import { HoldfastError } from "@holdfast/core";
import type { UnknownRelay } from "@holdfast/trust";

/** What is known of a refusal beside its code. */
export interface Refused {
  /** `host:port`. */
  readonly server: string;
  /** A secret was given, by a person or a file. */
  readonly given: boolean;
  /** How this user is known to that server; absent where no key was shown. */
  readonly ownerId: string | undefined;
}

/** Codes of handshakes in which the two ends did not agree on a secret. */
const OF_SECRETS: ReadonlySet<string> = new Set(["secret_required", "bad_secret", "unproved_secret"]);

/** Whether a (or another) secret might help. */
export function wantsSecret(failure: HoldfastError): boolean {
  return OF_SECRETS.has(failure.code) || isUnproved(failure);
}

/** The other end did not prove that it knows the secret; a key that changed says so by its fingerprints. */
function isUnproved({ code, text }: HoldfastError): boolean {
  return code === "identity_changed" && /proof|prove/.test(text);
}

export function explained(failure: HoldfastError, { server, given, ownerId }: Refused): HoldfastError {
  const unproved = isUnproved(failure);
  return new HoldfastError({
    code: unproved ? "unproved_secret" : failure.code,
    message: whatFailed(server, given, unproved),
    hint: whatToDo(given, ownerId),
    kind: "unauthorized",
    fault: "peer",
    cause: failure,
  });
}

function whatFailed(server: string, given: boolean, unproved: boolean): string {
  if (given && unproved) return `${server} does not know the secret that it should prove to know`;
  if (given) return `${server} refused the secret`;
  return `${server} lets in only who knows its secret, or whose key it knows`;
}

function whatToDo(given: boolean, ownerId: string | undefined): string {
  const line = ownerId === undefined ? "" : `its authorized keys need this line for you: ${ownerId}`;
  if (given) return line === "" ? "compare the secrets of the two sides" : `compare the secrets; ${line}`;
  const secret = "give its secret (--secret-file FILE, HOLDFAST_SECRET)";
  return line === ""
    ? `${secret}, or speak TLS to it (--tls) if it has authorized keys`
    : `${secret}; or ${line}`;
}

/** The person who was asked says that it is another one. */
export function wrongServer({ relay, fingerprint }: UnknownRelay): HoldfastError {
  const message = `${relay} is not the right server: it shows ${fingerprint}`;
  const hint = "nothing was sent to it";
  return new HoldfastError({ code: "unknown_relay", message, hint, kind: "fatal", fault: "peer" });
}

/** Sessions and trust are shared with relays, and speak of them. */
export function inItsWords(failure: HoldfastError): HoldfastError {
  const { code, kind, fault, retryAfterMs } = failure;
  const [message, hint, prompt] = [failure.text, failure.hint, failure.prompt].map((text) =>
    text?.replaceAll("relay's", "server's").replaceAll(/\brelay\b/g, "server"),
  );
  return new HoldfastError({
    code,
    message: message ?? failure.text,
    kind,
    fault,
    retryAfterMs,
    hint,
    prompt,
    cause: failure,
  });
}
