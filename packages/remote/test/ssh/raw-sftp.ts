// The server's side of SFTP byte by byte: it can answer what no library would.
import type { ServerChannel, Session } from "ssh2";

export const TYPE = { status: 101, handle: 102, data: 103, name: 104, attributes: 105 } as const;
const [INIT, VERSION] = [1, 2];

/** What a client asked: `body` begins after the request's number. */
export interface RawRequest {
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

interface RawSftp {
  readonly send: (...packets: readonly Buffer[]) => void;
  readonly channel: ServerChannel;
}

export interface RawServing {
  /** What is sent as the answer to INIT, in one piece. Default: the version. */
  readonly greeting?: () => readonly Buffer[];
  readonly answer?: (request: RawRequest, to: RawSftp) => void;
}

/** For `onSession` of `OddServer`. */
export function rawSftp({ greeting = () => [version()], answer }: RawServing): (session: Session) => void {
  return (session) =>
    void session.on("subsystem", (accept) => {
      const channel = accept();
      const to: RawSftp = {
        channel,
        send: (...packets) => void channel.write(Buffer.concat(packets)),
      };
      let begun = Buffer.alloc(0);
      channel
        .on("error", () => undefined)
        .on("data", (piece: Buffer) => {
          begun = Buffer.concat([begun, piece]);
          while (begun.length >= 4 && begun.length >= 4 + begun.readUInt32BE(0)) {
            const packet = begun.subarray(4, 4 + begun.readUInt32BE(0));
            begun = begun.subarray(4 + packet.length);
            const type = packet[0] ?? 0;
            if (type === INIT) to.send(...greeting());
            else answer?.({ type, id: packet.readUInt32BE(1), body: packet.subarray(5) }, to);
          }
        });
    });
}

/** A packet with its length in front. */
export function packet(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.of(type), ...parts]);
  return Buffer.concat([number(body.length), body]);
}

export function version(): Buffer {
  return packet(VERSION, number(3));
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([number(bytes.length), bytes]);
}

export function status(id: number, code: number, message = ""): Buffer {
  return packet(TYPE.status, number(id), number(code), text(message), text(""));
}

/** The attributes of a file of a size, with its type and permissions. */
export function attributes(size: bigint, mode = 0o100644): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(1 | 4);
  bytes.writeBigUInt64BE(size, 4);
  bytes.writeUInt32BE(mode, 12);
  return bytes;
}
