// Everything that the demo runs: a service, a relay, the network between, and a tunnel through it.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ControlHost } from "@holdfast/control";
import type { Policy } from "@holdfast/core";
import { tcp } from "@holdfast/net/node";
import { relayUrl } from "../options/values.ts";
import type { RelayView } from "../relay/relay-view.ts";
import { startShownRelay, type ShownRelay } from "../relay/show-relay.ts";
import type { Output } from "../terminal/output.ts";
import { openNativeViews } from "../tunnel/native-views.ts";
import { showTunnel, type ShownTunnel } from "../tunnel/show-tunnel.ts";
import { CuttableProxy } from "./cuttable-proxy.ts";
import type { World } from "./scenario.ts";
import { startSampleService, type SampleService } from "./traffic.ts";

/** Quicker than the defaults, so that there is something to see in twenty seconds. */
const DEMO_POLICY: Policy = {
  backoff: { initialMs: 250, maxMs: 1_000 },
  stableAfterMs: 1_000,
  dialTimeoutMs: 3_500,
  heartbeat: { intervalMs: 500, timeoutMs: 2_000 },
};

export class Stage implements World {
  readonly proxy: CuttableProxy = new CuttableProxy(() => this.#relayEndpoint);
  readonly #host: ControlHost;
  readonly #output: Output;
  /** Where the relay remembers whose port is whose. */
  #folder = "";
  #relay: ShownRelay | undefined;
  #relayEndpoint = { host: "127.0.0.1", port: 0 };
  #tunnel: ShownTunnel | undefined;
  #service: SampleService | undefined;

  constructor(host: ControlHost, output: Output) {
    this.#host = host;
    this.#output = output;
  }

  async start(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
    this.#service = await startSampleService();
    await this.startRelay();
    const { port } = await this.proxy.start();
    const { views } = openNativeViews({
      ...DEMO_POLICY,
      dial: tcp({ host: "127.0.0.1", port }),
      relayHost: "127.0.0.1",
      ownerKey: randomBytes(32),
      targets: [{ target: { host: "127.0.0.1", port: this.#service.port }, port: 0, force: false }],
      onRelay: () => undefined,
      onWarning: (text) => this.#output.detail(text),
      onDetail: (text) => this.#output.detail(text),
    });
    this.#tunnel = showTunnel(this.#host, views[0]!, {
      name: "demo",
      relay: relayUrl("holdfast", "127.0.0.1", port),
      drainTimeoutMs: 100,
      output: this.#output,
      prefix: "",
    });
  }

  get tunnel(): ShownTunnel {
    if (this.#tunnel === undefined) throw new Error("the demo has not started");
    return this.#tunnel;
  }

  get relay(): RelayView | undefined {
    return this.#relay?.relay;
  }

  /** The hash of what the service has sent, once that was all. */
  get sentHash(): string | undefined {
    return this.#service?.sentHash;
  }

  async startRelay(): Promise<void> {
    const { port } = this.#relayEndpoint;
    this.#relay = await startShownRelay(this.#host, {
      native: { port, ...(this.#folder !== "" && { leaseFile: join(this.#folder, "leases.json") }) },
      bore: undefined,
      name: "relay",
      output: this.#output,
    });
    const endpoint = this.#relay.relay.native?.endpoint;
    if (endpoint !== undefined && "port" in endpoint) this.#relayEndpoint = { ...endpoint };
  }

  async stopRelay(): Promise<void> {
    const relay = this.#relay;
    this.#relay = undefined;
    await relay?.relay.close();
    await relay?.ended;
  }

  async close(): Promise<void> {
    await this.#tunnel?.view.close();
    await this.#tunnel?.ended;
    await this.proxy.close();
    await this.stopRelay();
    await this.#service?.close();
    if (this.#folder !== "") await rm(this.#folder, { recursive: true, force: true });
  }
}
