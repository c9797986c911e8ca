// A native tunnel: a session that outlives its links, the ports that its targets have at the relay, and the visitors
// that come through it.
import { HoldfastError, type Clock, type EndReason, type Random, type Timer } from "@holdfast/core";
import { KIND, RESET, type SessionEnd, type SessionStream } from "@holdfast/core/session";
import { systemClock, type Line } from "@holdfast/net";
import { formatEndpoint, nodeCrypto, type Endpoint } from "@holdfast/net/node";
import { openSession, type SessionHandle, type SessionLine, type SessionLink } from "@holdfast/net/session";
import { Changes } from "../../changes.ts";
import { parseTarget } from "../../client/target.ts";
import { cryptoRandom } from "../../crypto-random.ts";
import { harmless } from "../../listener.ts";
import { ControlChannel } from "../wire/control-channel.ts";
import { CONTROL_METADATA, decodeRelayMessage, encodeMessage } from "../wire/messages.ts";
import { decodeVisitor } from "../wire/visitor-metadata.ts";
import {
  initialBinder,
  isHopeless,
  isLast,
  isSettled,
  nextRetry,
  stepBinder,
  type BinderAction,
  type BinderInput,
  type BinderState,
  type Patience,
} from "./binder.ts";
import { checkOptions } from "./check-options.ts";
import type {
  NativeTunnel,
  NativeTunnelEvent,
  StreamsAfterOutage,
  TargetStatus,
  TunnelOptions,
} from "./options.ts";
import { Visitors } from "./visitors.ts";

const DEFAULT_MAX_STREAMS = 1_024;
const TARGET_TIMEOUT_MS = 10_000;
const RELEASE_MS = 30_000;
/** How often whoever watches is told, at most, that visitors came or went, in milliseconds. */
const VISITORS_TOLD_MS = 250;

/**
 * Expose targets through a relay, and keep them exposed.
 * @throws HoldfastError `bad_config` or `bad_target` (fatal). What happens later is told by the line and the targets.
 */
export function openTunnel(options: TunnelOptions): NativeTunnel {
  return new Tunnel(options);
}

class Tunnel implements NativeTunnel {
  readonly ended: Promise<EndReason>;
  readonly #options: TunnelOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onEvent: (event: NativeTunnelEvent) => void;
  readonly #endpoints: readonly Endpoint[];
  readonly #visitors: Visitors;
  readonly #session: SessionLine;
  readonly #retry: Timer;
  /** Runs while there is something to tell about visitors. */
  readonly #tellVisitors: Timer;
  #visitorsMoved = false;
  readonly #changes: Changes<readonly TargetStatus[]>;
  #binder: BinderState;
  #current: SessionHandle | undefined;
  #control: ControlChannel | undefined;
  /** Nothing more is wanted but that the visitors finish. */
  #givenUp = false;
  #countedEpoch = 0;
  #afterOutage: StreamsAfterOutage = { streamsResumed: 0, streamsLost: 0 };

  constructor(options: TunnelOptions) {
    checkOptions(options);
    const { clock = systemClock, targets } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = options.random ?? cryptoRandom;
    this.#onEvent = harmless(options.onEvent);
    this.#endpoints = targets.map(({ target }) =>
      typeof target === "string" ? parseTarget(target) : target,
    );
    this.#binder = initialBinder(
      targets.map(({ port = 0, force = false, label }, index) => {
        return { port, force, label: label ?? formatEndpoint(this.#endpoints[index] as Endpoint) };
      }),
      patienceOf(options),
    );
    this.#visitors = new Visitors({
      maxStreams: options.maxStreams ?? DEFAULT_MAX_STREAMS,
      clock,
      timeoutMs: options.targetTimeoutMs ?? TARGET_TIMEOUT_MS,
      onEvent: this.#onEvent,
      onChange: () => this.#visitorMoved(),
    });
    this.#tellVisitors = clock.timer(() => this.#visitorsTold());
    this.#retry = clock.timer(() => this.#step({ type: "timeout" }));
    this.#changes = new Changes(() => this.targets);
    this.#session = this.#openSession();
    this.ended = this.#follow();
  }

  get line(): Line<SessionLink> {
    return this.#session.line;
  }

  get targets(): readonly TargetStatus[] {
    return this.#binder.targets.map(({ id, label, phase, wanted: { held }, host }) => ({
      id,
      target: this.#endpoints[id - 1] as Endpoint,
      label,
      phase,
      publicEndpoint: held === undefined ? undefined : { host: host ?? this.#options.relayHost, port: held },
      streams: this.#visitors.size(id),
    }));
  }

  changes(): AsyncIterableIterator<readonly TargetStatus[]> {
    return this.#changes.values();
  }

  async ready(): Promise<readonly TargetStatus[]> {
    for await (const targets of this.changes()) {
      if (isSettled(this.#binder)) return targets;
    }
    const { error } = await this.ended;
    throw error ?? new HoldfastError({ code: "closed", message: "the tunnel was closed", fault: "local" });
  }

  get streams(): number {
    return this.#visitors.size();
  }

  get afterOutage(): StreamsAfterOutage {
    this.#count();
    return this.#afterOutage;
  }

  async release(targetId: number, timeoutMs: number = RELEASE_MS): Promise<void> {
    if (isLast(this.#binder, targetId)) return this.drain(timeoutMs);
    this.#step({ type: "release", targetId });
    await this.#visitors.finish(targetId, timeoutMs);
  }

  async drain(timeoutMs?: number): Promise<void> {
    this.#giveUp();
    // Away, and nobody to wait for: the relay learns of it when the lease runs out, and nothing is lost.
    if (this.line.status.state !== "connected" && this.streams === 0) return this.close();
    await this.#session.drain(timeoutMs);
  }

  async close(): Promise<void> {
    this.#giveUp();
    await this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #openSession(): SessionLine {
    const { onEvent: _, targets: __, maxStreams = DEFAULT_MAX_STREAMS, ...options } = this.#options;
    return openSession({
      ...options,
      crypto: options.crypto ?? nodeCrypto(),
      limits: { ...options.sessionLimits, maxStreams },
      onSession: (session, lost) => this.#begun(session, lost),
      onStream: (stream, session) => this.#opened(stream, session),
      onWarning: (warning) => this.#onEvent({ type: "warning", warning }),
    });
  }

  #giveUp(): void {
    this.#givenUp = true;
    this.#step({ type: "release" });
    this.#control?.end();
  }

  /** A new session: bind what the last one had. */
  #begun(session: SessionHandle, lost: SessionEnd | undefined): void {
    this.#count();
    if (this.#current !== undefined) {
      const streams = this.#afterOutage.streamsLost;
      this.#onEvent({ type: "session_lost", streams, error: lost?.error });
    }
    const stream = session.open(KIND.control, Buffer.from(CONTROL_METADATA));
    const control = new ControlChannel({
      stream,
      onLine: (line) => this.#hear(session, line),
      onEnd: (end) => {
        if (end.type === "reset" && end.code === RESET.notProcessed) this.#notServed(noTunnels());
        // The relay is done with us, and says why by closing the session.
        control.end();
      },
      onBroken: (failure) => this.#notServed(failure),
    });
    this.#current = session;
    this.#control = control;
    session.listen(stream, control);
    void session.ended.then(() => {
      if (this.#current === session) this.#step({ type: "no_session" });
    });
    this.#step({ type: "session" });
  }

  #notServed({ code, text: message }: HoldfastError): void {
    const failure = new HoldfastError({ code, message, kind: "fatal", fault: "peer" });
    this.#step({ type: "not_served", failure });
  }

  #hear(session: SessionHandle, line: string): void {
    const message = this.#current === session ? decodeRelayMessage(line) : undefined;
    if (message !== undefined) this.#step({ type: "message", message });
  }

  #opened(stream: SessionStream, session: SessionHandle): void {
    if (stream.kind !== KIND.tcp) return stream.reset(RESET.notProcessed);
    let bind: number;
    try {
      ({ bind } = decodeVisitor(stream.metadata));
    } catch (thrown) {
      this.#onEvent({ type: "warning", warning: HoldfastError.from(thrown) });
      return stream.reset(RESET.cancelled);
    }
    const state = this.#binder.targets.find(({ id }) => id === bind);
    const target = this.#endpoints[bind - 1];
    // A stream may overtake the line that grants its bind.
    const served = state?.phase.type === "bound" || state?.phase.type === "binding";
    if (!served || session !== this.#current || target === undefined) return stream.reset(RESET.notProcessed);
    this.#visitors.take(stream, session, { targetId: bind, target });
  }

  /** Waking everybody who watches costs more than the visitor itself: many are told of at once. */
  #visitorMoved(): void {
    if (this.#visitorsMoved) return;
    this.#visitorsMoved = true;
    this.#tellVisitors.set(VISITORS_TOLD_MS);
  }

  #visitorsTold(): void {
    this.#visitorsMoved = false;
    this.#changes.touch();
  }

  #step(input: BinderInput): void {
    const now = this.#clock.mono();
    const { state, actions } = stepBinder(this.#binder, input, now, this.#random);
    this.#binder = state;
    for (const action of actions) this.#act(action);
    const retryAt = nextRetry(state);
    if (retryAt === Infinity) this.#retry.clear();
    else this.#retry.set(Math.max(0, retryAt - now));
    this.#changes.touch();
    // Nothing is left to wait for. What brought us here is on the targets.
    if (!this.#givenUp && isHopeless(state)) void this.#session.close();
  }

  #act(action: BinderAction): void {
    switch (action.type) {
      case "send":
        return this.#control?.send(encodeMessage(action.message));
      case "port":
        return this.#onEvent({ ...action, type: "port" });
      case "refused":
        return this.#onEvent({ type: "refused", targetId: action.targetId, failure: action.failure });
      case "replaced":
        return this.#onEvent({ type: "replaced", targetId: action.targetId });
    }
  }

  /** What became of the streams, once for each link. */
  #count(): void {
    const { link, status } = this.line;
    if (link === undefined || status.epoch === this.#countedEpoch) return;
    this.#countedEpoch = status.epoch;
    const streamsLost = this.#visitors.takeLost();
    this.#afterOutage = link.fresh
      ? { streamsResumed: 0, streamsLost }
      : { streamsResumed: this.streams, streamsLost: 0 };
  }

  /** Tell of each resume, then of the end. */
  async #follow(): Promise<EndReason> {
    let told = 0;
    for await (const { state, epoch } of this.line.changes()) {
      if (state !== "connected" || epoch === told) continue;
      told = epoch;
      this.#count();
      if (this.line.link?.fresh !== false) continue;
      this.#onEvent({ type: "resumed", streams: this.#afterOutage.streamsResumed });
    }
    this.#retry.clear();
    const reason = await this.line.closed;
    this.#step({ type: reason.code === "replaced" ? "all_replaced" : "no_session" });
    // Who was there then is on the last look.
    this.#visitorsMoved = true;
    this.#tellVisitors.clear();
    this.#changes.end();
    return this.#verdict() ?? reason;
  }

  /** Why there is no tunnel any more, if it was the relay's word on the last target. */
  #verdict(): EndReason | undefined {
    if (this.#givenUp || !isHopeless(this.#binder)) return undefined;
    const phases = this.#binder.targets.map(({ phase }) => phase);
    const refused = phases.find((phase) => phase.type === "refused");
    if (refused !== undefined) return { code: "failed", error: refused.failure, failures: 0 };
    return { code: "replaced", error: replaced(), failures: 0 };
  }
}

function noTunnels(): HoldfastError {
  const message = "the relay does not serve tunnels";
  return new HoldfastError({ code: "not_served", message, kind: "fatal", fault: "peer" });
}

/** What the policy says of dials holds for ports as well. */
function patienceOf({ reconnect = true, maxAttempts, giveUpAfterMs }: TunnelOptions): Patience {
  const maxRefusals = reconnect ? (maxAttempts ?? Infinity) : 1;
  return { maxRefusals, giveUpAfterMs: giveUpAfterMs ?? Infinity };
}

function replaced(): HoldfastError {
  return new HoldfastError({
    code: "replaced",
    message: "another program of the same owner has taken over every port of this tunnel",
    kind: "fatal",
    fault: "peer",
    hint: "end the other program, or give the two of them different targets or ports",
  });
}
