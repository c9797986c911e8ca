// Connections that the far side makes for us, and its ports.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { RemoteListener } from "../plugin/network.ts";
import { quoted } from "../plugin/peer-text.ts";
import { ChannelDuplex } from "./channel-streams.ts";
import { openFailure } from "./failures.ts";
import type { ClientChannel, SshClient } from "./library.ts";
import type { LinkLife } from "./link-life.ts";

type OnConnection = (stream: Duplex, from: { readonly host: string; readonly port: number }) => void;

/** A far side that is asked for more ports than this is not asked. */
const MOST_LISTENERS = 256;

export class SshPorts {
  readonly #client: SshClient;
  readonly #life: LinkLife;
  /** One for each far port, at most `MOST_LISTENERS`; by `host:port`. */
  readonly #listeners = new Map<string, OnConnection>();

  constructor(client: SshClient, life: LinkLife) {
    this.#client = client;
    this.#life = life;
    client.on("tcp connection", ({ destIP, destPort, srcIP, srcPort }, accept, reject) => {
      const onConnection = this.#listeners.get(`${destIP}:${destPort}`);
      if (onConnection === undefined || life.ended) return reject();
      onConnection(this.#stream(accept()), { host: srcIP, port: srcPort });
    });
  }

  async connectTcp(host: string, port: number): Promise<Duplex> {
    this.#life.check();
    if (!isPort(port) || port === 0 || host === "") throw badEndpoint(host, port);
    return this.#life.run<Duplex>(
      (settle) =>
        this.#client.forwardOut("127.0.0.1", 0, host, port, (error, channel) =>
          error === undefined ? settle(undefined, this.#stream(channel)) : settle(error),
        ),
      (error) => openFailure(error, host, port),
    );
  }

  async listenTcp(host: string, port: number, onConnection: OnConnection): Promise<RemoteListener> {
    this.#life.check();
    if (!isPort(port)) throw badEndpoint(host, port);
    if (this.#listeners.size >= MOST_LISTENERS) throw tooMany();
    const bound = await this.#life.run<number>(
      (settle) =>
        this.#client.forwardIn(host, port, (error, bound) => {
          // At once: the first connection may come in the same packet as the answer.
          if (error === undefined) this.#listeners.set(`${host}:${bound}`, onConnection);
          settle(error, bound);
        }),
      () => cannotListen(host, port),
    );
    let closing: Promise<void> | undefined;
    return { host, port: bound, close: () => (closing ??= this.#unlisten(host, bound)) };
  }

  async #unlisten(host: string, port: number): Promise<void> {
    this.#listeners.delete(`${host}:${port}`);
    if (this.#life.ended) return;
    // A refusal or the link's end: either way nobody listens for us.
    await this.#life
      .run<void>(
        (settle) => this.#client.unforwardIn(host, port, () => settle(undefined)),
        (error) => HoldfastError.from(error),
      )
      .catch(() => undefined);
  }

  #stream(channel: ClientChannel): Duplex {
    const stream = new ChannelDuplex(channel);
    this.#life.adopt(stream);
    // Whoever is given it may be a moment away from listening.
    stream.on("error", () => undefined);
    return stream;
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}

function badEndpoint(host: string, port: number): HoldfastError {
  const message = `${quoted(host)} and ${port} are no host and port`;
  return new HoldfastError({ code: "bad_endpoint", message, kind: "fatal", fault: "local" });
}

function cannotListen(host: string, port: number): HoldfastError {
  const message = `the far side does not listen on ${host}:${port}: it is taken, or not allowed (sshd does not say which)`;
  const hint = "its sshd_config may have AllowTcpForwarding or PermitListen";
  return new HoldfastError({ code: "address_in_use", message, hint, fault: "peer" });
}

function tooMany(): HoldfastError {
  const message = `the connection has ${MOST_LISTENERS} far ports already`;
  return new HoldfastError({ code: "too_many", message, kind: "fatal", fault: "local" });
}
