// Connections that a machine at the other end of a session makes, and ports that it listens on.
import type { Duplex } from "node:stream";
import type { SessionStream } from "@holdfast/core/session";
import type { RemoteListener } from "../../plugin/network.ts";
import { badRecord } from "../failures.ts";
import type { RecordPort } from "../record-port.ts";
import { sessionDuplex } from "../session-duplex.ts";
import { decodeEndpoint, encodeEndpoint, type HostPort } from "../wire/endpoints.ts";
import { decodeFailure } from "../wire/failure.ts";
import { PURPOSE, type Opening } from "../wire/opening.ts";
import { RECORD } from "../wire/record.ts";
import type { Channel } from "./channel.ts";

export type OnConnection = (stream: Duplex, from: HostPort) => void;

/** @throws HoldfastError what the machine says; `not_connected`, `link_lost`, `limit`. */
export async function connectOver(channel: Channel, endpoint: HostPort): Promise<Duplex> {
  channel.check();
  return channel.withPort(PURPOSE.connect, encodeEndpoint(endpoint, 1), async (port, forget) => {
    await started(port);
    forget();
    return connection(channel, port.port.stream, port.rest());
  });
}

/** Listeners of one machine, and the connections that come to them. */
export class SessionListeners {
  readonly #channel: Channel;
  /** One for each listener, by the id of its stream. */
  readonly #listeners = new Map<number, OnConnection>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** @throws HoldfastError what the machine says; `not_connected`, `link_lost`, `limit`. */
  async listen(endpoint: HostPort, onConnection: OnConnection): Promise<RemoteListener> {
    this.#channel.check();
    return this.#channel.withPort(PURPOSE.listen, encodeEndpoint(endpoint, 0), async (port, forget) => {
      this.#listeners.set(port.id, onConnection);
      try {
        const { host, port: number } = decodeEndpoint(await started(port), 1);
        const gone = port
          .next()
          .catch(() => undefined)
          .finally(() => {
            forget();
            this.#listeners.delete(port.id);
          });
        return { host, port: number, close: () => close(port, gone) };
      } catch (thrown) {
        this.#listeners.delete(port.id);
        throw thrown;
      }
    });
  }

  /** A connection came. @returns `false` if nobody waits for it. */
  take(stream: SessionStream, { of = 0, from = { host: "", port: 0 } }: Opening): boolean {
    const onConnection = this.#listeners.get(of);
    if (onConnection === undefined || this.#channel.closed) return false;
    onConnection(connection(this.#channel, stream), from);
    return true;
  }
}

async function close(port: RecordPort, gone: Promise<unknown>): Promise<void> {
  port.port.end();
  await gone;
}

async function started(port: RecordPort): Promise<Uint8Array> {
  const record = await port.next();
  if (record?.type === RECORD.failed) throw decodeFailure(record.payload);
  if (record?.type !== RECORD.started) throw badRecord("an answer to a connection that is none");
  return record.payload;
}

function connection(channel: Channel, stream: SessionStream, first?: Uint8Array): Duplex {
  const duplex = sessionDuplex(stream, channel.session, first === undefined ? {} : { first });
  duplex.once(
    "close",
    channel.onBreak((failure) => duplex.destroy(failure)),
  );
  return duplex;
}
