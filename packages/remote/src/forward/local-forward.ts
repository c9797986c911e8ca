// A port of this machine that leads to one the far side can reach (`ssh -L`), and one that leads wherever its clients
// want (`ssh -D`).
import type { Endpoint } from "@holdfast/net/node";
import type { Connection } from "../connection/connection.ts";
import type { Forward, ForwardSettings } from "./forward.ts";
import { openListening } from "./listening-forward.ts";
import { negotiateSocks } from "./socks-client.ts";

export interface LocalForwardOptions extends ForwardSettings {
  /** Where to listen on this machine: bind loopback unless others are meant to come. Port 0 means any. */
  readonly listen: Endpoint;
  /** As the far side calls it. */
  readonly target: { readonly host: string; readonly port: number };
}

/** @throws HoldfastError `unsupported`, `address_in_use`, `permission_denied`, `bad_endpoint` … */
export function openLocalForward(connection: Connection, options: LocalForwardOptions): Promise<Forward> {
  const { host, port } = options.target;
  return openListening(connection, options.listen, () => Promise.resolve({ host, port }), options);
}

export interface SocksForwardOptions extends ForwardSettings {
  /** Whoever can reach it can go wherever the far side can: bind loopback. Port 0 means any. */
  readonly listen: Endpoint;
}

/**
 * A SOCKS5 server (CONNECT, no authentication). Names are resolved by the far side.
 * @throws HoldfastError as `openLocalForward`.
 */
export function openSocksForward(connection: Connection, options: SocksForwardOptions): Promise<Forward> {
  return openListening(
    connection,
    options.listen,
    (socket, clock, { greetingMs }) => negotiateSocks(socket, clock, greetingMs),
    options,
  );
}
