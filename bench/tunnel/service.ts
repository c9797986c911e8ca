// The service behind the tunnels, a program of its own. The first byte of a connection says what is wanted.
import { createHash } from "node:crypto";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { payload } from "./payload.ts";
import { MODE, REQUEST_BYTES, SLOW_READ_MS } from "./wire.ts";

const SOURCE_BLOCK_BYTES = 64 * 1024;

const server = createServer({ allowHalfOpen: true, noDelay: true });
server.on("connection", (socket) => {
  const leave = (): void => void socket.destroy();
  socket.on("error", leave).once("end", leave);
  socket.once("data", (first: Buffer) => serve(socket.off("end", leave), first));
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 }, () => {
  console.log(`port ${(server.address() as AddressInfo).port}`);
});

function serve(socket: Socket, first: Buffer): void {
  const mode = String.fromCharCode(first[0] ?? 0);
  switch (mode) {
    case MODE.echo:
      socket.write(first);
      return void socket.on("data", (chunk) => socket.write(chunk)).on("end", () => socket.end());
    case MODE.request:
      return answerRequests(socket, first);
    case MODE.sink:
      return sink(socket, first);
    case MODE.source:
      socket.resume();
      return send(socket, payload(0, SOURCE_BLOCK_BYTES), Number.POSITIVE_INFINITY);
    case MODE.transfer:
      return transfer(socket, first);
    default:
      socket.destroy();
  }
}

/** One byte for every whole request. */
function answerRequests(socket: Socket, first: Buffer): void {
  let got = 0;
  const take = (chunk: Buffer): void => {
    got += chunk.length;
    for (; got >= REQUEST_BYTES; got -= REQUEST_BYTES) socket.write(".");
  };
  take(first);
  socket.on("data", take).on("end", () => socket.end());
}

/** Swallow everything, and say how much it was. */
function sink(socket: Socket, first: Buffer): void {
  let got = first.length;
  socket.on("data", (chunk: Buffer) => (got += chunk.length));
  socket.on("end", () => socket.end(String(got)));
}

function send(socket: Socket, block: Buffer, bytes: number, done: () => void = () => undefined): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      const size = Math.min(left, block.length);
      left -= size;
      if (!socket.write(block.subarray(0, size)) && left > 0) return void socket.once("drain", more);
    }
    done();
  };
  more();
}

/** `tSEED UP DOWN HALF SLOW\n`, then UP bytes come while DOWN bytes go, followed by the hash of what came. */
function transfer(socket: Socket, first: Buffer): void {
  const headerEnd = first.indexOf("\n");
  if (headerEnd < 0) return void socket.destroy();
  const [seed = 0, up = 0, down = 0, half = 0, slow = 0] = first
    .toString("latin1", 1, headerEnd)
    .split(" ")
    .map(Number);
  const hash = createHash("sha256");
  let got = 0;
  let waiting = 2;
  const finish = (): void => {
    waiting -= 1;
    if (waiting === 0) socket.end(hash.digest("hex"));
  };
  const take = (chunk: Buffer): void => {
    hash.update(chunk);
    const before = got;
    got += chunk.length;
    if (half === 0 && before < up && got >= up) finish();
  };
  const rest = first.subarray(headerEnd + 1);
  if (half === 0 && up === 0) finish();
  take(rest);
  socket.on("data", (chunk: Buffer) => {
    take(chunk);
    if (slow === 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), SLOW_READ_MS);
  });
  // A transfer with a half close is complete when the visitor's end has come through, and not before.
  socket.on("end", () => {
    if (half !== 0) finish();
  });
  send(socket, payload(seed + 1, down), down, finish);
}
