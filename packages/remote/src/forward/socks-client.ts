// A client of the SOCKS port: what it sends is understood, and it is answered. Its socket is left paused, with what
// came after the request still unread.
import { HoldfastError, type Clock } from "@holdfast/core";
import type { Socket } from "@holdfast/net/node";
import { SOCKS_REPLY, socksReply, socksReplyFor, SocksRequest } from "./socks-request.ts";
import type { Visit } from "./visit.ts";

/** @throws HoldfastError `bad_request` if it does not speak SOCKS5, `timed_out`, `connection_cut`. */
export function negotiateSocks(socket: Socket, clock: Clock, greetingMs: number): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const request = new SocksRequest();
    const timer = clock.timer(() => fail("timed_out", `no SOCKS request within ${greetingMs} ms`));
    const leave = (): void => {
      timer.clear();
      socket.off("data", onData).off("end", onEnd).off("close", onEnd).pause();
    };
    const fail = (code: string, message: string): void => {
      leave();
      reject(new HoldfastError({ code, message, fault: "peer" }));
    };
    const onEnd = (): void => fail("connection_cut", "it ended before it said where to go");
    const onData = (piece: Uint8Array): void => {
      const progress = request.receive(piece);
      if (progress.answer !== undefined) socket.write(progress.answer);
      if (progress.at === "more") return;
      if (progress.at === "refused")
        return fail("bad_request", "this is no SOCKS5 CONNECT without authentication");
      leave();
      if (progress.rest.length > 0) socket.unshift(progress.rest);
      resolve(visitOf(socket, progress));
    };
    timer.set(greetingMs);
    socket.on("data", onData).on("end", onEnd).on("close", onEnd).resume();
  });
}

function visitOf(socket: Socket, { host, port }: { readonly host: string; readonly port: number }): Visit {
  return {
    host,
    port,
    opened: () => void socket.write(socksReply(SOCKS_REPLY.succeeded)),
    refused: (failure) => void socket.end(socksReply(socksReplyFor(failure)), () => socket.destroy()),
  };
}
