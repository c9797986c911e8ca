// A client of the herd that is the real reconnect machine: nothing of its rules is repeated here.
import {
  deadline,
  HoldfastError,
  initialState,
  resolveConfig,
  step,
  type Config,
  type Input,
  type MachineState,
  type Policy,
  type Random,
} from "@holdfast/core";
import type { Dice } from "@holdfast/core/testing";
import type { Client } from "./model.ts";

export type Loss = "private" | "peer";

const UNREACHABLE = new HoldfastError({ code: "connection_refused", message: "connection refused" });
const CUT = new HoldfastError({ code: "connection_reset", message: "connection reset" });
const LEFT = new HoldfastError({ code: "closed_by_peer", message: "the relay went away", fault: "peer" });
const BUSY = new HoldfastError({
  code: "busy",
  message: "the relay is busy",
  kind: "throttled",
  fault: "peer",
});

/** Before the loss every line has been connected for long enough. */
const CONNECTED_AT = -60_000;
const STABLE_AT = -40_000;

/** Clients with our default policy, or another; `windowMs` is what the relay announced in its handshake. */
export function engineClients(
  loss: Loss,
  windowMs: number | undefined,
  policy: Policy = {},
): (dice: Dice) => Client {
  const config = resolveConfig({ failFast: false, ...policy });
  const connected = connectedState(config, windowMs);
  return ({ random }) => new EngineClient(connected, config, random, loss);
}

class EngineClient implements Client {
  readonly #config: Config;
  readonly #random: Random;
  readonly #loss: Loss;
  #state: MachineState;

  constructor(state: MachineState, config: Config, random: Random, loss: Loss) {
    this.#state = state;
    this.#config = config;
    this.#random = random;
    this.#loss = loss;
  }

  lost(now: number): number | undefined {
    const failure = this.#loss === "peer" ? LEFT : CUT;
    this.#feed({ type: "lost", dial: this.#dial, failure }, now);
    return deadline(this.#state, this.#config);
  }

  dial(now: number): void {
    this.#feed({ type: "tick" }, now);
    if (this.#state.at !== "dialing") throw new Error(`the machine is ${this.#state.at}, not dialing`);
  }

  failed(now: number, refusal: { readonly hintMs: number | undefined } | undefined): number | undefined {
    this.#feed({ type: "dial_failed", dial: this.#dial, failure: failureOf(refusal) }, now);
    return deadline(this.#state, this.#config);
  }

  opened(now: number): void {
    this.#feed(opening(this.#dial, undefined), now);
    if (this.#state.at !== "up") throw new Error(`the machine is ${this.#state.at}, not up`);
  }

  get #dial(): number {
    return this.#state.memory.dial;
  }

  #feed(input: Input, now: number): void {
    this.#state = step(this.#state, input, now, this.#config, this.#random).state;
  }
}

function failureOf(refusal: { readonly hintMs: number | undefined } | undefined): HoldfastError {
  if (refusal === undefined) return UNREACHABLE;
  if (refusal.hintMs === undefined) return BUSY;
  const { code, text: message, kind, fault } = BUSY;
  return new HoldfastError({ code, message, kind, fault, retryAfterMs: refusal.hintMs });
}

function connectedState(config: Config, windowMs: number | undefined): MachineState {
  const inputs: readonly (readonly [number, Input])[] = [
    [CONNECTED_AT, { type: "start" }],
    [CONNECTED_AT, opening(1, windowMs)],
    [STABLE_AT, { type: "tick", heardAt: STABLE_AT }],
  ];
  let state: MachineState = initialState;
  for (const [at, input] of inputs) ({ state } = step(state, input, at, config, () => 0.5));
  if (state.at !== "up" || !state.stable) throw new Error(`the machine is ${state.at}, not up and stable`);
  return state;
}

function opening(dial: number, windowMs: number | undefined): Input {
  const link = { pings: true, beats: false, survivesPingFailure: false, windowMs };
  return { type: "opened", dial, link };
}
