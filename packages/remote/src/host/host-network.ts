// Connections of this machine, and ports on it.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { listen, openSocket, resetSocket, type Listener, type Socket } from "@holdfast/net/node";
import type { Connecting, Listening, RemoteListener } from "../plugin/network.ts";
import type { HostLife } from "./host-life.ts";
import { Places, type HostLimits } from "./host-limits.ts";

type OnConnection = Parameters<Listening["listenTcp"]>[2];

export class HostNetwork implements Connecting, Listening {
  readonly #life: HostLife;
  readonly #connections: Places;
  readonly #listeners: Places;
  readonly #warn: (text: string) => void;

  constructor(life: HostLife, limits: HostLimits, warn: (text: string) => void) {
    this.#life = life;
    this.#connections = new Places("connections", limits.connections);
    this.#listeners = new Places("ports", limits.listeners);
    this.#warn = warn;
  }

  connectTcp(host: string, port: number): Promise<Duplex> {
    return this.#life.run(
      async () => {
        if (port === 0) throw badPort();
        const giveBack = this.#connections.take();
        try {
          return this.#keep(await openSocket({ host, port }, { signal: this.#life.signal }), giveBack);
        } catch (error) {
          giveBack();
          throw error;
        }
      },
      (late) => void late.destroy(),
    );
  }

  listenTcp(host: string, port: number, onConnection: OnConnection): Promise<RemoteListener> {
    return this.#life.run(
      async () => {
        const giveBack = this.#listeners.take();
        try {
          return this.#listener(await this.#listen(host, port, onConnection), giveBack);
        } catch (error) {
          giveBack();
          throw error;
        }
      },
      (late) => void late.close(),
    );
  }

  #listen(host: string, port: number, onConnection: OnConnection): Promise<Listener> {
    return listen({
      endpoint: { host, port },
      onError: (error) => this.#warn(error.message),
      onConnection: (socket) => {
        let giveBack: () => void;
        try {
          giveBack = this.#connections.take();
        } catch (error) {
          socket.resetAndDestroy();
          return this.#warn(HoldfastError.from(error).message);
        }
        const from = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
        onConnection(flowWhenAsked(this.#keep(socket, giveBack)), from);
      },
    });
  }

  #listener(listener: Listener, giveBack: () => void): RemoteListener {
    const forget = this.#life.atEnd(() => void listener.close());
    const { host, port } = listener.endpoint as { host: string; port: number };
    return {
      host,
      port,
      close: async () => {
        forget();
        giveBack();
        await listener.close();
      },
    };
  }

  #keep(socket: Socket, giveBack: () => void): Socket {
    const forget = this.#life.atEnd((reason) => cut(socket, reason));
    socket.once("close", () => {
      forget();
      giveBack();
    });
    return socket;
  }
}

/** A reset for the other side, which must not take it for complete, and the reason for whoever has it here. */
function cut(socket: Socket, reason: HoldfastError): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = () => destroy(reason);
  resetSocket(socket);
}

/** The listener has paused it, and a paused stream does not flow by a `data` listener, as people expect. */
function flowWhenAsked(socket: Socket): Socket {
  const onListener = (event: string | symbol): void => {
    if (event !== "data") return;
    socket.removeListener("newListener", onListener);
    socket.resume();
  };
  return socket.on("newListener", onListener);
}

function badPort(): HoldfastError {
  const message = "a port to connect to is a whole number from 1 to 65535";
  return new HoldfastError({ code: "bad_endpoint", message, kind: "fatal", fault: "local" });
}
