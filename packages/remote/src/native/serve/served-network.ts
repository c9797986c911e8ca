// Connections that the machine makes for the other end, and ports that it listens on for it.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { KIND } from "@holdfast/core/session";
import type { RemoteListener } from "../../plugin/network.ts";
import { joinDuplexes } from "../join.ts";
import type { RecordPort } from "../record-port.ts";
import { sessionDuplex } from "../session-duplex.ts";
import { decodeEndpoint, encodeEndpoint, type HostPort } from "../wire/endpoints.ts";
import { encodeOpening, PURPOSE, WIRE_VERSION } from "../wire/opening.ts";
import { RECORD } from "../wire/record.ts";
import { brokenOff, type Service } from "./service.ts";

/** One connection: an answer, then plain bytes. @throws what is to be told to the other end. */
export async function serveConnect(port: RecordPort, service: Service): Promise<void> {
  const { host, port: number } = decodeEndpoint(await port.expect(RECORD.request), 1);
  let socket: Duplex | undefined = undefined;
  let ended = false;
  const end = (): void => {
    ended = true;
    port.abort(brokenOff());
    socket?.destroy();
  };
  port.port.onBroken = end;
  await service.keep("connections", { end }, async () => {
    socket = await (await service.machine()).connectTcp(host, number);
    socket.on("error", () => undefined);
    if (ended) return void socket.destroy();
    service.event({ type: "connection_opened", host, port: number });
    await port.send(RECORD.started, Buffer.from("{}"));
    port.port.onBroken = undefined;
    await joinDuplexes(socket, sessionDuplex(port.port.stream, service.session, { first: port.rest() }));
  });
}

/** One port, for as long as its stream is open. @throws what is to be told to the other end. */
export async function serveListen(port: RecordPort, service: Service, name: string): Promise<void> {
  const { host, port: number } = decodeEndpoint(await port.expect(RECORD.request), 0);
  const end = (): void => port.abort(brokenOff());
  await service.keep("listeners", { end }, async () => {
    let listener: RemoteListener | undefined = undefined;
    try {
      listener = await (
        await service.machine()
      ).listenTcp(host, number, (socket, from) => {
        accepted(socket, from, { service, name, listener: port.port.stream.id });
      });
      service.event({ type: "listening", host: listener.host, port: listener.port });
      await port.send(RECORD.started, encodeEndpoint(listener, 1));
      // Its end is the wish to close.
      await port.next();
    } finally {
      await listener?.close().catch(() => undefined);
    }
    await port.sendJson(RECORD.done, {});
    port.port.end();
    port.port.stop();
  });
}

interface Acceptance {
  readonly service: Service;
  readonly name: string;
  readonly listener: number;
}

function accepted(socket: Duplex, from: HostPort, { service, name, listener }: Acceptance): void {
  socket.on("error", () => undefined);
  const end = (): void => void socket.destroy();
  service
    .keep("connections", { end }, async () => {
      const opening = { version: WIRE_VERSION, purpose: PURPOSE.accept, machine: name, of: listener, from };
      const stream = service.session.open(KIND.machine, encodeOpening(opening));
      await joinDuplexes(socket, sessionDuplex(stream, service.session));
    })
    // Too many, or no session: whoever connected sees it closed.
    .catch((thrown: unknown) => void socket.destroy(HoldfastError.from(thrown)));
}
