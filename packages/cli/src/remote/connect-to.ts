// Make a connection, join one that is there, or answer what one waits for.
import { randomBytes } from "node:crypto";
import type { ConnectionEntry, ReconnectPolicyJson, Request } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { canAsk } from "./ask-person.ts";
import { callerEnvironment } from "./caller-environment.ts";
import { Connecting, type ConnectingOptions } from "./connecting.ts";

export interface ConnectToOptions {
  /** Whole, with its scheme; see `defaultDestination`. */
  readonly destination: string;
  readonly name?: string | undefined;
  /** Of the plugin. */
  readonly options?: Readonly<Record<string, string>>;
  readonly policy?: ReconnectPolicyJson | undefined;
  readonly noReconnect?: boolean;
  /** `false`: it ends with this command. Default `true`. */
  readonly kept?: boolean;
  /** Kept, and dialled again from the start; resolves at once. */
  readonly background?: boolean;
  /** Also if there is such a connection already. */
  readonly new?: boolean;
  readonly secret?: string | undefined;
  /** Cancels it; one that was there already stays. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves when it is connected (with `background`: when it is there).
 * @throws HoldfastError why the first dial failed, with its kind; `bad_destination`, `bad_option`, `unknown_scheme`;
 * `auth_required` if nobody can be asked; the signal's reason.
 */
export async function connectTo(
  context: Context,
  client: DaemonClient,
  options: ConnectToOptions,
): Promise<ConnectionEntry> {
  const request = requestOf(context, options);
  const begin = (): Promise<{ id: number; joined: boolean }> => client.ask<"connect">(request);
  const entry = await settle({ context, client, begin, atOnce: options.background === true }, options.signal);
  // The answer to this comes when what is known of it is on disk: whoever is told that it is kept can rely on it.
  if (request.kept !== false) await begin();
  return entry;
}

/**
 * Dial a connection now, and ask on the terminal what there is to ask. Resolves when it is connected.
 * @throws HoldfastError why that dial failed; the signal's reason.
 */
export function authenticateAt(
  context: Context,
  client: DaemonClient,
  entry: ConnectionEntry,
  signal: AbortSignal,
): Promise<ConnectionEntry> {
  const begin = async (): Promise<{ id: number; joined: boolean }> => {
    const { id } = await client.ask<"authenticate">({ type: "authenticate", id: entry.id });
    return { id, joined: true };
  };
  return settle({ context, client, begin, before: entry, oneDial: true }, signal);
}

/** A key says who asks: with it, a daemon that was started again knows what it began already. */
export function newKey(): string {
  return randomBytes(16).toString("hex");
}

async function settle(options: ConnectingOptions, signal: AbortSignal | undefined): Promise<ConnectionEntry> {
  const connecting = new Connecting(options);
  const abort = (): void => connecting.cancel(HoldfastError.from(signal?.reason));
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return await connecting.outcome;
  } catch (thrown) {
    await connecting.takeBack().catch(() => undefined);
    throw thrown;
  } finally {
    signal?.removeEventListener("abort", abort);
    connecting.stop();
  }
}

function requestOf({ env }: Context, options: ConnectToOptions): Extract<Request, { type: "connect" }> {
  const { destination, name, policy, secret, noReconnect, kept, background } = options;
  return {
    type: "connect",
    key: newKey(),
    destination,
    environment: callerEnvironment(env),
    attended: background !== true && canAsk(),
    ...(name !== undefined && { name }),
    ...(options.options !== undefined && { options: { ...options.options } }),
    ...(policy !== undefined && { policy }),
    ...(secret !== undefined && { secret }),
    ...(noReconnect === true && { no_reconnect: true }),
    ...(kept !== undefined && { kept }),
    ...(background === true && { background: true }),
    ...(options.new === true && { new: true }),
  };
}
