// How the command reaches a native relay, and how it knows whom it has reached: plain on this machine, TLS or a
// WebSocket elsewhere, with pins and keys from the state folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { describeSystemError } from "@holdfast/control";
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
import { usageError } from "../usage.ts";

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
}

/** @throws HoldfastError if a key or a file of pins cannot be read, or is not safe. */
export async function openRelayDial(context: Context, options: RelayDialOptions): Promise<RelayDial> {
  const { output, paths } = context;
  const onWarning = (warning: { readonly text: string }): void => output.warn(escapeText(warning.text));
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
    verifier.confirm(identity).catch((thrown: unknown) => output.warn(describeSystemError(thrown)));
  };
  return { dial, ownerKey, confirm };
}

function openVerifier(context: Context, options: RelayDialOptions): RelayVerifier {
  const { output, paths } = context;
  const { fingerprint } = options.trust;
  const knownRelays = openKnownRelays({
    path: join(paths.stateFolder, "known_relays"),
    clock: systemClock,
    onWarning: (warning) => output.warn(escapeText(warning.text)),
  });
  const person = output.isInteractive && process.stdin.isTTY;
  return relayVerifier({
    knownRelays,
    hasSecret: options.hasSecret,
    ...(fingerprint !== undefined && { fingerprints: [fingerprint] }),
    ...(person && { ask: (unknown: UnknownRelay) => void askPerson(unknown, options.onAnswered) }),
    onPinned: (relay, key) => output.status(`remembered the key of ${relay}: ${key}`),
  });
}

async function askPerson(unknown: UnknownRelay, onAnswered: () => void): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = `${unknown.relay} is not known yet. Its fingerprint is ${unknown.fingerprint}.\nIs it the right one? [y/N] `;
  const answer = await terminal.question(question).finally(() => terminal.close());
  if (!/^y(es)?$/i.test(answer.trim())) return;
  await unknown.accept();
  onAnswered();
}

function wantsTls({ tls: asked, fingerprint, ca }: Values<typeof trustOptions>): boolean {
  return asked || fingerprint !== undefined || ca !== undefined;
}

async function readAuthority(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw usageError(`cannot read the certificates in ${path}: ${describeSystemError(thrown)}`);
  }
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}
