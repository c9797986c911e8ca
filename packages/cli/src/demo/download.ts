// A large download through the tunnel, while its connection is broken: the service hashes what it sends and the
// visitor what arrives, so that the end proves whether a byte was lost or repeated.
import { createHash, type Hash } from "node:crypto";
import { get, type IncomingMessage, type ServerResponse } from "node:http";

const PIECE_BYTES = 64 * 1024;
const TICK_MS = 20;

export const DOWNLOAD_BYTES: number = 96 * 1024 * 1024;
/** At its own pace, so that it is under way whenever something breaks; after an outage it catches up. */
const PACE_MS = 11_000;

/** The service's side: sends the whole at its pace, and keeps the hash of what it sent. */
export class PacedAnswer {
  hash: string | undefined;
  readonly #response: ServerResponse;
  readonly #sent: Hash = createHash("sha256");
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #offset = 0;
  #full = false;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.setHeader("content-length", DOWNLOAD_BYTES);
    response.setHeader("connection", "close");
    response.on("drain", () => {
      this.#full = false;
      this.#send();
    });
    response.on("close", () => clearInterval(this.#timer));
    this.#timer = setInterval(() => this.#send(), TICK_MS);
  }

  #send(): void {
    const due = DOWNLOAD_BYTES * Math.min(1, (performance.now() - this.#startedAt) / PACE_MS);
    while (!this.#full && this.#offset + PIECE_BYTES <= due) {
      const piece = pieceAt(this.#offset);
      this.#sent.update(piece);
      this.#offset += PIECE_BYTES;
      this.#full = !this.#response.write(piece);
    }
    if (this.#offset < DOWNLOAD_BYTES || this.hash !== undefined) return;
    clearInterval(this.#timer);
    this.hash = this.#sent.digest("hex");
    this.#response.end();
  }
}

/** No two pieces are alike. */
function pieceAt(offset: number): Buffer {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let at = 0; at < PIECE_BYTES; at += 8) piece.writeDoubleLE(offset + at, at);
  return piece;
}

/** The visitor's side. */
export class Download {
  received = 0;
  /** Set at the end, whatever the end was. */
  hash: string | undefined;
  failure: string | undefined;
  readonly #hash: Hash = createHash("sha256");

  constructor(address: { readonly host: string; readonly port: number }) {
    const request = get(
      { host: "127.0.0.1", port: address.port, path: "/download", agent: false },
      (response) => this.#take(response),
    );
    request.on("error", (error) => this.#fail(error));
  }

  get done(): boolean {
    return this.hash !== undefined || this.failure !== undefined;
  }

  #take(response: IncomingMessage): void {
    response.on("data", (piece: Buffer) => {
      this.#hash.update(piece);
      this.received += piece.length;
    });
    response.on("end", () => (this.hash = this.#hash.digest("hex")));
    response.on("error", (error) => this.#fail(error));
  }

  #fail(error: Error): void {
    this.failure ??= error.message;
  }
}
