// How the command reaches a native relay, and how it knows whom it has reached: plain on this machine, TLS or a
// WebSocket elsewhere, with pins and keys from the state folder.
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { HoldfastError } from "@holdfast/core";
import { systemClock, type Attempt, type ByteLink } from "@holdfast/net";
import { proxyFromEnvironment, tcp, tls, webSocket, type VerifyPeer } from "@holdfast/net/node";
import {
  loadOwnerKey,
  openKnownRelays,
  relayVerifier,
  type RelayVerifier,
  type UnknownRelay,
} from "@holdfast/trust";
import type { Context } from "../command.ts";
import type { trustOptions } from "../options/flags.ts";
import type { Values } from "../options/option.ts";
import type { RelayUrl } from "../options/values.ts";
import { escapeText } from "../terminal/escape.ts";
import type { Output } from "../terminal/output.ts";
import { isThisMachine, readAuthority } from "../tls-trust.ts";

export interface RelayDial {
  readonly dial: (attempt: Attempt) => Promise<ByteLink>;
  /** Whose the ports are. */
  readonly ownerKey: Uint8Array;
  /** A session has begun with the relay of this identity: remember it, if it is to be. */
  confirm(relayIdentity: string): void;
}

export interface RelayDialOptions {
  readonly url: RelayUrl;
  readonly trust: Values<typeof trustOptions>;
  readonly hasSecret: boolean;
  /** A person has answered: dial again. */
  readonly onAnswered: () => void;
  /** A person says that it is not the right relay. */
  readonly onDeclined: () => void;
}

/** @throws HoldfastError if a key or a file of pins cannot be read, or is not safe. */
export async function openRelayDial(context: Context, options: RelayDialOptions): Promise<RelayDial> {
  const { output, paths } = context;
  const onWarning = (warning: HoldfastError): void => warn(output, warning);
  const ownerKey = await loadOwnerKey(join(paths.stateFolder, "owner.key"), { onWarning });
  const { url } = options;
  if (url.scheme === "ws") return { dial: webSocket({ url: url.href }), ownerKey, confirm: () => undefined };
  if (url.scheme === "holdfast" && isThisMachine(url.host) && !wantsTls(options.trust)) {
    return { dial: tcp({ host: url.host, port: url.port }), ownerKey, confirm: () => undefined };
  }
  const verifier = openVerifier(context, options);
  const secure = {
    verify: ((peer) => verifier.verify(peer)) satisfies VerifyPeer,
    ca: await readAuthority(options.trust.ca),
    proxy: proxyFromEnvironment(url.host, { ...context.env }),
  };
  const dial =
    url.scheme === "wss"
      ? webSocket({ url: url.href, ...secure })
      : tls({ host: url.host, port: url.port, ...secure });
  const confirm = (identity: string): void => {
    verifier.confirm(identity).catch((thrown: unknown) => warn(output, HoldfastError.from(thrown)));
  };
  return { dial, ownerKey, confirm };
}

function openVerifier(context: Context, options: RelayDialOptions): RelayVerifier {
  const { output, paths } = context;
  const { fingerprint } = options.trust;
  const knownRelays = openKnownRelays({
    path: join(paths.stateFolder, "known_relays"),
    clock: systemClock,
    onWarning: (warning) => warn(output, warning),
  });
  const person = output.isInteractive && process.stdin.isTTY;
  return relayVerifier({
    knownRelays,
    hasSecret: options.hasSecret,
    ...(fingerprint !== undefined && { fingerprints: [fingerprint] }),
    ...(person && { ask: askOnce(output, options) }),
    onPinned: (relay, key) => output.status(`remembered the key of ${relay}: ${key}`),
  });
}

/** One question at a time, however many dials there are meanwhile. */
function askOnce(
  output: Output,
  { onAnswered, onDeclined }: RelayDialOptions,
): (unknown: UnknownRelay) => void {
  let asking = false;
  return (unknown) => {
    if (asking) return;
    asking = true;
    void isRight(unknown)
      .then(async (right) => {
        if (!right) return onDeclined();
        await unknown.accept().catch((thrown: unknown) => warn(output, HoldfastError.from(thrown)));
        onAnswered();
      })
      .finally(() => (asking = false));
  };
}

async function isRight({ relay, fingerprint }: UnknownRelay): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = `${relay} is not known yet. Its fingerprint is ${fingerprint}.\nIs it the right one? [y/N] `;
  const declined = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  const answer = await Promise.race([terminal.question(question), declined]).finally(() => terminal.close());
  return /^y(es)?$/i.test(answer.trim());
}

function warn(output: Output, warning: HoldfastError): void {
  output.warn(escapeText(warning.text), warning.hint === undefined ? undefined : escapeText(warning.hint));
}

function wantsTls({ tls: asked, fingerprint, ca }: Values<typeof trustOptions>): boolean {
  return asked || fingerprint !== undefined || ca !== undefined;
}
