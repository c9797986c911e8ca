// Stands before an sshd, passes everything on, and keeps count of what the client says: which SSH messages as long as
// they can be read, and how many bytes once they cannot. A client that does not like the host's key must stop before.
import { connect, type Socket } from "node:net";
import type { Scene } from "./scene.ts";
import { listenForScene } from "./service.ts";

/** SSH_MSG_NEWKEYS (RFC 4253): what comes after it is encrypted, logins above all. */
const NEW_KEYS = 21;
const LENGTH_BYTES = 4;

/** What a client has said in one connection. */
export interface Said {
  /** The numbers of its messages up to NEWKEYS, at most a handful. */
  readonly messages: readonly number[];
  /** Bytes after its NEWKEYS: 0 for a client that refused the key, a login at least for one that took it. */
  readonly secretBytes: number;
}

/** Reads the client's half of a key exchange. */
class ClientReader implements Said {
  readonly messages: number[] = [];
  secretBytes = 0;
  #rest: Buffer = Buffer.alloc(0);
  #version = true;

  take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (this.#version) {
      const end = this.#rest.indexOf("\n");
      if (end < 0) return;
      this.#version = false;
      this.#rest = this.#rest.subarray(end + 1);
    }
    while (this.messages.at(-1) !== NEW_KEYS) {
      const length = this.#rest.length < LENGTH_BYTES ? 0 : LENGTH_BYTES + this.#rest.readUInt32BE(0);
      if (length === 0 || this.#rest.length < length) return;
      // Behind the length there is one byte that says how much padding there is.
      this.messages.push(this.#rest.readUInt8(LENGTH_BYTES + 1));
      this.#rest = this.#rest.subarray(length);
    }
    this.secretBytes += this.#rest.length;
    this.#rest = Buffer.alloc(0);
  }
}

export class SshRecorder {
  /** One for each connection that came, at most what the act provokes. */
  readonly said: Said[] = [];
  /** Where the next connections are passed to. */
  target: number;
  port = 0;
  /** Bounded by the connections of the act. */
  readonly #open = new Set<Socket>();

  private constructor(target: number) {
    this.target = target;
  }

  /** Before the server at this port of loopback. */
  static async start(scene: Scene, target: number): Promise<SshRecorder> {
    const recorder = new SshRecorder(target);
    recorder.port = await listenForScene(scene, (client) => recorder.#pass(client));
    return recorder;
  }

  /** Every connection is broken off. */
  cut(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  #pass(client: Socket): void {
    const reader = new ClientReader();
    this.said.push(reader);
    const server = connect(this.target, "127.0.0.1");
    client.on("data", (chunk: Buffer) => reader.take(chunk)).pipe(server);
    server.pipe(client);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(one);
      one
        .on("error", () => undefined)
        .on("close", () => {
          this.#open.delete(one);
          other.destroy();
        });
    }
  }
}
