// A load generator, a program of its own: `load.js up|down HOST PORT STREAMS SECONDS` moves bytes as fast as it can
// and prints what arrived. It stands in for iperf3 where that is missing, and runs beside the pings.
import { connect, type Socket } from "node:net";
import { payload } from "./payload.ts";
import { MODE } from "./wire.ts";

const BLOCK = payload(0, 128 * 1024);

const [direction, host = "", port, streams, seconds] = process.argv.slice(2);
const startedAt = performance.now();
const endsAt = startedAt + Number(seconds) * 1_000;
const sockets = await Promise.all(Array.from({ length: Number(streams) }, () => open(host, Number(port))));
console.log("begun");
const counts = await Promise.all(
  sockets.map((socket) => (direction === "up" ? upload(socket) : download(socket))),
);
const bytes = counts.reduce((sum, count) => sum + count, 0);
console.log(`bytes ${bytes} in ${performance.now() - startedAt} ms`);

function open(toHost: string, toPort: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: toHost, port: toPort, noDelay: true, allowHalfOpen: true }, () =>
      resolve(socket),
    );
    socket.once("error", reject);
  });
}

/** What the far side says it got. */
function upload(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const send = (): void => {
      while (performance.now() < endsAt) if (!socket.write(BLOCK)) return void socket.once("drain", send);
      socket.end();
    };
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.on("error", reject);
    socket.on("end", () => resolve(Number(answer)));
    socket.write(MODE.sink);
    send();
  });
}

function download(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let got = 0;
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      got += chunk.length;
      if (performance.now() < endsAt) return;
      socket.destroy();
      resolve(got);
    });
    socket.on("end", () => reject(new Error("the source ended")));
    socket.write(MODE.source);
  });
}
