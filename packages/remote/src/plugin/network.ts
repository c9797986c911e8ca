// Connections that a machine makes for us, and ports that it listens on for us.
import type { Duplex } from "node:stream";

export interface Connecting {
  /**
   * A connection from the machine to somewhere it can reach. Half-closable; destroyed when the link ends.
   * @throws HoldfastError `bad_endpoint`, `connection_refused`, `name_not_resolved`, `timed_out`, `unsupported`, `link_lost`.
   */
  connectTcp(host: string, port: number): Promise<Duplex>;
}

/** A port on the machine. Ends with the link. */
export interface RemoteListener {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface Listening {
  /**
   * Listen on the machine; port 0 lets it choose. Each connection is handed over once.
   * @throws HoldfastError `address_in_use`, `permission_denied`, `unsupported`, `link_lost`.
   */
  listenTcp(
    host: string,
    port: number,
    onConnection: (stream: Duplex, from: { readonly host: string; readonly port: number }) => void,
  ): Promise<RemoteListener>;
}
