// A native tunnel as the command shows it: each of its targets by itself, all over one session.
import type { EndReason, Status } from "@holdfast/core";
import type { Endpoint } from "@holdfast/net/node";
import { openTunnel, type NativeTunnel, type TargetStatus, type TunnelOptions } from "@holdfast/tunnel";
import { escapeText } from "../terminal/escape.ts";
import { endOfTarget, statusOfTarget } from "./target-status.ts";
import type { TunnelView } from "./tunnel-view.ts";
import { VisitorWarnings } from "./visitor-warnings.ts";

export interface NativeViewsOptions extends Omit<TunnelOptions, "onEvent"> {
  readonly targets: readonly { readonly target: Endpoint; readonly port: number; readonly force: boolean }[];
  /** `index` is the target's place in `targets`. */
  readonly onWarning: (text: string, index: number) => void;
  readonly onDetail: (text: string) => void;
  /** A session began with the relay of this identity. */
  readonly onRelay: (relayIdentity: string) => void;
}

export interface NativeViews {
  readonly tunnel: NativeTunnel;
  /** One for each target. */
  readonly views: readonly TunnelView[];
}

export function openNativeViews(options: NativeViewsOptions): NativeViews {
  const { onWarning, onDetail, onRelay, ...rest } = options;
  const warnings = rest.targets.map((_, index) => new VisitorWarnings((text) => onWarning(text, index)));
  const tunnel = openTunnel({
    ...rest,
    failFast: false,
    onEvent: (event) => {
      if (event.type === "warning") onDetail(escapeText(event.warning.text));
      else if (event.type === "visitor_failed") warnings[event.targetId - 1]?.failed(event.error);
    },
  });
  void followRelay(tunnel, onRelay);
  return { tunnel, views: rest.targets.map(({ target }, index) => new TargetView(tunnel, index, target)) };
}

async function followRelay(tunnel: NativeTunnel, onRelay: (relayIdentity: string) => void): Promise<void> {
  for await (const status of tunnel.line.changes()) {
    const { link } = tunnel.line;
    if (status.state === "connected" && link?.fresh === true) onRelay(link.carrier.trust.relayIdentity);
  }
}

/** What was asked for. */
const RELEASED = {
  attempt: 0,
  state: "disconnected",
  reason: { code: "closed", error: undefined, failures: 0 },
} as const;

class TargetView implements TunnelView {
  readonly target: Endpoint;
  readonly ended: Promise<EndReason>;
  readonly #tunnel: NativeTunnel;
  readonly #index: number;
  #wasBound = false;
  /** Given up, and its visitors are gone. */
  #released = false;
  #version = 0;
  #over = false;
  /** One for each reader that waits. */
  #waiting: (() => void)[] = [];

  constructor(tunnel: NativeTunnel, index: number, target: Endpoint) {
    this.#tunnel = tunnel;
    this.#index = index;
    this.target = target;
    const follow = async (changes: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of changes) this.#touch();
    };
    const all = Promise.all([follow(tunnel.line.changes()), follow(tunnel.changes())]);
    void all.then(() => {
      this.#over = true;
      this.#touch();
    });
    this.ended = this.#end();
  }

  get status(): Status {
    const { phase } = this.#look;
    const { status } = this.#tunnel.line;
    if (this.#released && status.state !== "disconnected") return { ...status, ...RELEASED };
    this.#wasBound ||= phase.type === "bound";
    const now = { mono: performance.now(), wall: Date.now() };
    return statusOfTarget(status, phase, this.#wasBound, now);
  }

  get publicEndpoint(): TunnelView["publicEndpoint"] {
    return this.#look.publicEndpoint;
  }

  get streams(): number {
    return this.#look.streams;
  }

  streamFate(): { streamsResumed: number; streamsLost: number } {
    return this.#tunnel.afterOutage;
  }

  async *changes(): AsyncIterableIterator<Status> {
    let seen = -1;
    let ended = false;
    while (!ended) {
      while (seen === this.#version) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      seen = this.#version;
      const { status } = this;
      ended = status.state === "disconnected" || this.#over;
      yield status;
    }
  }

  reconnect(): void {
    this.#tunnel.line.wake("user");
  }

  /** The others go on. One that is lost for good does not take them with it. */
  async drain(timeoutMs: number): Promise<void> {
    if (endOfTarget(this.#look.phase) !== undefined) return;
    await this.#tunnel.release(this.#look.id, timeoutMs);
    this.#released = true;
    this.#touch();
  }

  close(): Promise<void> {
    return this.#tunnel.close();
  }

  get #look(): TargetStatus {
    return this.#tunnel.targets[this.#index]!;
  }

  #touch(): void {
    this.#version += 1;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async #end(): Promise<EndReason> {
    let last: Status | undefined;
    for await (const status of this.changes()) last = status;
    return last?.state === "disconnected" ? last.reason : this.#tunnel.ended;
  }
}
