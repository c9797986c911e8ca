// Everything that the demo runs: a service, a relay, the network between, and a tunnel through it.
import type { ControlHost } from "@holdfast/control";
import type { Policy } from "@holdfast/core";
import type { BoreRelay } from "@holdfast/tunnel";
import { parseRelayUrl } from "../options/values.ts";
import { startShownRelay, type ShownRelay } from "../relay-process.ts";
import type { Output } from "../terminal/output.ts";
import { openShownTunnel, type ShownTunnel } from "../tunnel-process.ts";
import { CuttableProxy } from "./cuttable-proxy.ts";
import type { World } from "./scenario.ts";
import { startSampleService } from "./traffic.ts";

/** Quicker than the defaults, so that there is something to see in twenty seconds. */
const DEMO_POLICY: Policy = {
  backoff: { initialMs: 250, maxMs: 1_000 },
  stableAfterMs: 1_000,
  dialTimeoutMs: 3_500,
  heartbeat: { timeoutMs: 2_000 },
};

export class Stage implements World {
  readonly proxy: CuttableProxy = new CuttableProxy(() => this.#relayEndpoint);
  readonly #host: ControlHost;
  readonly #output: Output;
  #relay: ShownRelay | undefined;
  #relayEndpoint = { host: "127.0.0.1", port: 0 };
  #tunnel: ShownTunnel | undefined;
  #service: { readonly port: number; close(): Promise<void> } | undefined;

  constructor(host: ControlHost, output: Output) {
    this.#host = host;
    this.#output = output;
  }

  async start(): Promise<void> {
    this.#service = await startSampleService();
    await this.startRelay();
    const { port } = await this.proxy.start();
    this.#tunnel = openShownTunnel(this.#host, {
      name: "demo",
      relay: parseRelayUrl(`bore://127.0.0.1:${port}`),
      target: { host: "127.0.0.1", port: this.#service.port },
      port: 0,
      secret: undefined,
      policy: DEMO_POLICY,
      drainTimeoutMs: 100,
      wakes: [],
      proxy: undefined,
      output: this.#output,
      prefix: "",
    });
  }

  get tunnel(): ShownTunnel {
    if (this.#tunnel === undefined) throw new Error("the demo has not started");
    return this.#tunnel;
  }

  get relay(): BoreRelay | undefined {
    return this.#relay?.relay;
  }

  async startRelay(): Promise<void> {
    const { port } = this.#relayEndpoint;
    this.#relay = await startShownRelay(this.#host, { port }, { name: "relay", output: this.#output });
    const { endpoint } = this.#relay.relay;
    if ("port" in endpoint) this.#relayEndpoint = { ...endpoint };
  }

  async stopRelay(): Promise<void> {
    const relay = this.#relay;
    this.#relay = undefined;
    await relay?.relay.close();
    await relay?.ended;
  }

  async close(): Promise<void> {
    await this.#tunnel?.tunnel.close();
    await this.#tunnel?.ended;
    await this.proxy.close();
    await this.stopRelay();
    await this.#service?.close();
  }
}
