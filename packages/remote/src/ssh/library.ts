// The adapter of ssh2: the only file that imports it, and the only one that knows its ways.
import type { Duplex, Readable } from "node:stream";
import ssh2 from "ssh2";
import type {
  AnyAuthMethod,
  AuthenticationType,
  BaseAgent,
  Client,
  ClientChannel,
  KeyboardInteractiveCallback,
  ParsedKey,
  Prompt,
  ServerHostKeyAlgorithm,
  SFTPWrapper,
} from "ssh2";

export type { AnyAuthMethod, BaseAgent, ClientChannel, KeyboardInteractiveCallback, ParsedKey, Prompt };
export type SshClient = Client;
export type Sftp = SFTPWrapper;

/** What ssh2 adds to its errors. */
export interface SshLibraryError extends Error {
  readonly level?: string;
  readonly code?: number | string;
  /** Why a channel was not opened. */
  readonly reason?: number;
}

type AskNextMethod = (
  methodsLeft: readonly string[] | null,
  partial: boolean,
  next: (method: AnyAuthMethod) => void,
) => void;

export interface ClientOptions {
  readonly socket: Duplex;
  readonly user: string;
  readonly hostKeyAlgorithms: readonly string[];
  readonly verifyHostKey: (key: Buffer, answer: (accepted: boolean) => void) => void;
  readonly nextMethod: AskNextMethod;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveFailures: number;
}

/** Begin an SSH connection over a connected socket. Its error listener is set, so that no error is ever unhandled. */
export function beginClient(options: ClientOptions): Client {
  const client = new ssh2.Client();
  client.on("error", () => undefined);
  client.connect({
    sock: options.socket as Readable,
    username: options.user,
    algorithms: { serverHostKey: [...options.hostKeyAlgorithms] as ServerHostKeyAlgorithm[] },
    hostVerifier: options.verifyHostKey,
    authHandler: (methodsLeft: AuthenticationType[] | null, partial: boolean | null, next) =>
      options.nextMethod(methodsLeft, partial === true, next),
    keepaliveInterval: options.keepaliveIntervalMs,
    keepaliveCountMax: options.keepaliveFailures,
    // The dial has a deadline of its own, and a person may be typing.
    readyTimeout: 0,
  });
  return client;
}

/** What of a client is not in its types: the keepalive that it sends by itself, to be sent when we want. */
interface ClientInside {
  readonly _callbacks: ((error: unknown) => void)[];
  readonly _protocol: { ping(): void };
}

/**
 * Send `keepalive@openssh.com`, a global request that every server answers, if only by a refusal; `answered` is called
 * with or without an answer, with an error in the second case.
 */
export function sendKeepalive(client: Client, answered: (error: Error | undefined) => void): void {
  const { _callbacks, _protocol } = client as unknown as ClientInside;
  _callbacks.push((error) => answered(error instanceof Error ? error : undefined));
  _protocol.ping();
}

interface ChannelInside {
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly _client: {
    readonly _protocol: {
      windowChange(id: number, rows: number, columns: number, height: number, width: number): void;
    };
  };
}

/** `channel.setWindow`, which does nothing once stdin has ended. */
export function setWindow(channel: ClientChannel, rows: number, columns: number): void {
  const { outgoing, _client } = channel as unknown as ChannelInside;
  if (outgoing.state !== "open" && outgoing.state !== "eof") return;
  _client._protocol.windowChange(outgoing.id, rows, columns, 0, 0);
}

/** A private or public key, or why there is none. */
export function parseKey(text: Buffer | string, passphrase?: string): ParsedKey | Error {
  const parsed = ssh2.utils.parseKey(text, passphrase) as ParsedKey | Error | ParsedKey[];
  return Array.isArray(parsed) ? (parsed[0] ?? new Error("no key in it")) : parsed;
}

/** Whether a key's error says that it lacks its passphrase. */
export function lacksPassphrase(error: Error): boolean {
  return /no passphrase given/.test(error.message);
}

type Identity = ParsedKey | Buffer | string;
type Identities = (error?: Error | null, keys?: Identity[]) => void;

/** The agent behind a socket; with `only`, no other key of it is shown to the server. */
export function agentAt(socket: string, only?: readonly Buffer[]): BaseAgent {
  const agent = ssh2.createAgent(socket) as unknown as BaseAgent;
  if (only === undefined) return agent;
  const limited = agent as unknown as { getIdentities: (callback: Identities) => void };
  const all = limited.getIdentities.bind(agent);
  limited.getIdentities = (callback: Identities): void =>
    all((error, keys) =>
      callback(
        error,
        keys?.filter((key) => only.some((blob) => blob.equals(blobOf(key)))),
      ),
    );
  return agent;
}

function blobOf(key: Identity): Buffer {
  if (Buffer.isBuffer(key)) return key;
  const parsed = typeof key === "string" ? parseKey(key) : key;
  return parsed instanceof Error ? Buffer.alloc(0) : parsed.getPublicSSH();
}

interface SftpInside {
  push(data: Buffer | null): unknown;
  destroy(): void;
}

/**
 * Be told of the end of an SFTP channel, at once from here on. What follows something that cannot be read is not read
 * any more: ssh2 would go on, stumble, and take the whole connection with it.
 */
export function guardSftp(sftp: SFTPWrapper, onEnd: (error: Error) => void): void {
  const inside = sftp as unknown as SftpInside;
  const push = inside.push.bind(sftp);
  let broken = false;
  const fail = (error: Error): void => {
    broken = true;
    onEnd(error);
  };
  sftp.on("error", fail);
  for (const over of ["end", "close"]) {
    sftp.on(over, () => onEnd(new Error("the far side ended the file transfer")));
  }
  inside.push = (data) => {
    if (broken && data !== null) return undefined;
    try {
      return push(data);
    } catch {
      fail(new Error("the far side does not keep to the protocol of file transfer"));
      return inside.destroy();
    }
  };
}

/** Read a piece of a file. Its end is an error with SFTP's code for it, so that nothing else is taken for the end. */
export function readPieceOf(
  sftp: SFTPWrapper,
  handle: Buffer,
  into: Buffer,
  position: number,
  settle: (error: Error | null | undefined, bytesRead?: number) => void,
): void {
  const callback = (error: Error | undefined, bytesRead: number): void => settle(error, bytesRead);
  sftp.read(handle, into, 0, into.length, position, Object.assign(callback, { _wantEOFError: true }));
}

/** What an opened directory holds, with `.` and `..`: what is left after those may be nothing in the middle of a list. */
export function readDirectory(
  sftp: SFTPWrapper,
  handle: Buffer,
  settle: (error: Error | null | undefined, entries?: SftpEntry[]) => void,
): void {
  const reader = sftp as unknown as { readdir(handle: Buffer, options: object, settle: unknown): void };
  reader.readdir(handle, { full: true }, settle);
}

export interface SftpEntry {
  readonly filename: string;
  readonly attrs: { readonly mode?: number; readonly size?: number; readonly mtime?: number };
}
