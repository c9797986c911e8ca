// The ports that visitors connect to: how one is opened, how a free one is found, and how it is closed again. Who
// has which is the business of those who ask.
import { HoldfastError, type Random } from "@holdfast/core";
import { listen, type Listener, type Socket } from "@holdfast/net/node";
import { randomPorts } from "./random-ports.ts";

/** How many ports that other programs might have are tried before the relay says that it found none. */
const MAX_BIND_ATTEMPTS = 150;

export interface PublicPortsOptions {
  readonly host: string;
  /** The least and the greatest port that is opened. */
  readonly range: readonly [number, number];
  readonly random: Random;
  readonly onVisitor: (port: number, visitor: Socket) => void;
  readonly onError: (error: HoldfastError) => void;
}

export type Opening =
  | { readonly type: "open"; readonly port: number }
  | {
      readonly type: "refused";
      readonly reason: "not_allowed" | "in_use" | "permission_denied" | "none_found" | "failed";
    };

export class PublicPorts {
  readonly #options: PublicPortsOptions;
  /** At most the ports of the range; who asks has a limit of its own. */
  readonly #places = new Map<number, Listener | "opening">();

  constructor(options: PublicPortsOptions) {
    this.#options = options;
  }

  /** Whether the port is open, or just being opened. */
  has(port: number): boolean {
    return this.#places.has(port);
  }

  isOpen(port: number): boolean {
    const place = this.#places.get(port);
    return place !== undefined && place !== "opening";
  }

  /** Open this port. One that is open already counts as in use. */
  async open(port: number): Promise<Opening> {
    const [least, greatest] = this.#options.range;
    if (port < least || port > greatest) return { type: "refused", reason: "not_allowed" };
    if (this.#places.has(port)) return { type: "refused", reason: "in_use" };
    this.#places.set(port, "opening");
    try {
      const listener = await listen({
        endpoint: { host: this.#options.host, port },
        onConnection: (visitor) => this.#options.onVisitor(port, visitor),
        onError: this.#options.onError,
      });
      this.#places.set(port, listener);
      return { type: "open", port };
    } catch (error) {
      this.#places.delete(port);
      return { type: "refused", reason: reasonOf(HoldfastError.from(error)) };
    }
  }

  /** Open any port, except those that are to be skipped. */
  async openAny(skip: (port: number) => boolean = () => false): Promise<Opening> {
    let attempts = 0;
    for (const port of randomPorts(this.#options.range, this.#options.random)) {
      if (this.#places.has(port) || skip(port)) continue;
      const opening = await this.open(port);
      if (opening.type === "open") return opening;
      attempts += 1;
      if (attempts >= MAX_BIND_ATTEMPTS) break;
    }
    return { type: "refused", reason: "none_found" };
  }

  /** The port is free at once; visitors that came stay. Harmless for a port that is not open. */
  close(port: number): void {
    const place = this.#places.get(port);
    if (place === undefined || place === "opening") return;
    this.#places.delete(port);
    void place.close();
  }

  /** Refuse visitors from now on; the ports stay taken in the books. */
  async stopListening(): Promise<void> {
    const listeners = [...this.#places.values()].filter((place) => place !== "opening");
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

function reasonOf({ code }: HoldfastError): "in_use" | "permission_denied" | "failed" {
  if (code === "address_in_use") return "in_use";
  return code === "permission_denied" ? "permission_denied" : "failed";
}
