// Which target has which port: a reducer. It says what to ask the relay for, and when to ask again; it survives
// sessions, so that after one is lost the same ports are asked for, and it never asks again for what another
// program of the same owner has taken over.
import type { HoldfastError, Instant, Random } from "@holdfast/core";
import { gotPort, lostPort, mustForget, nextPort, type WantedPort } from "../../client/wanted-port.ts";
import { UNBIND, type ClientMessage, type RelayMessage } from "../wire/messages.ts";
import { refusalOf, retryDelay } from "./refusal.ts";

/** How one target stands. */
export type TargetPhase =
  /** There is no session. */
  | { readonly type: "unbound" }
  /** The relay was asked. */
  | { readonly type: "binding" }
  | { readonly type: "bound"; readonly port: number; readonly generation: number; readonly leaseMs: number }
  /** The relay refused, and is asked again at that time. */
  | {
      readonly type: "waiting";
      readonly failure: HoldfastError;
      readonly retryAt: Instant;
      /** So far, in a row. */
      readonly refusals: number;
    }
  /** The relay refused for good. */
  | { readonly type: "refused"; readonly failure: HoldfastError }
  /** Another program of this owner has it. */
  | { readonly type: "replaced" }
  /** Given back. */
  | { readonly type: "released" };

/** One target and what is known of its port. */
interface BoundTarget {
  /** Its name towards the relay, from 1. */
  readonly id: number;
  readonly label: string;
  /** Take the port even from a living program of the same owner. Holds for the first bind only. */
  readonly force: boolean;
  readonly wanted: WantedPort;
  /** Where visitors reach the port, if not at the relay's own address. */
  readonly host: string | undefined;
  readonly phase: TargetPhase;
  /** Refusals in a row, and when the first of them came. */
  readonly refusals: number;
  readonly refusedSince: Instant | undefined;
}

/** When to stop asking for a port that is refused again and again. */
export interface Patience {
  /** So many refusals in a row. */
  readonly maxRefusals: number;
  /** So long after the first of them, in milliseconds. */
  readonly giveUpAfterMs: number;
}

const ENDLESS: Patience = { maxRefusals: Infinity, giveUpAfterMs: Infinity };

export interface BinderState {
  readonly patience: Patience;
  readonly targets: readonly BoundTarget[];
}

export type BinderInput =
  /** A session has begun. */
  | { readonly type: "session" }
  /** It ended, or is lost. */
  | { readonly type: "no_session" }
  /** The relay ended it because another program has every port that this one had. */
  | { readonly type: "all_replaced" }
  /** The relay does not serve tunnels, or not as we know them. */
  | { readonly type: "not_served"; readonly failure: HoldfastError }
  | { readonly type: "message"; readonly message: RelayMessage }
  /** Look at the clock. */
  | { readonly type: "timeout" }
  /** Give this target's port back, or (no `targetId`) everything. */
  | { readonly type: "release"; readonly targetId?: number };

export type BinderAction =
  | { readonly type: "send"; readonly message: ClientMessage }
  /** The target has this port now. */
  | {
      readonly type: "port";
      readonly targetId: number;
      readonly port: number;
      readonly previous: number | undefined;
    }
  | { readonly type: "refused"; readonly targetId: number; readonly failure: HoldfastError }
  | { readonly type: "replaced"; readonly targetId: number };

export interface BinderStep {
  readonly state: BinderState;
  readonly actions: readonly BinderAction[];
}

export interface BinderTarget {
  readonly label: string;
  readonly port: number;
  readonly force: boolean;
}

export function initialBinder(targets: readonly BinderTarget[], patience: Patience = ENDLESS): BinderState {
  return {
    patience,
    targets: targets.map(({ label, port, force }, index) => ({
      id: index + 1,
      label,
      force,
      wanted: { asked: port, held: undefined, lostAt: undefined },
      host: undefined,
      phase: { type: "unbound" },
      refusals: 0,
      refusedSince: undefined,
    })),
  };
}

export function stepBinder(state: BinderState, input: BinderInput, now: Instant, random: Random): BinderStep {
  const actions: BinderAction[] = [];
  const targets = state.targets.map((target) => {
    const [next, more] = stepTarget(target, input, { now, random, patience: state.patience });
    actions.push(...more);
    return next;
  });
  return { state: { ...state, targets }, actions };
}

/** When `timeout` must be given; `Infinity` for never. */
export function nextRetry({ targets }: BinderState): Instant {
  const times = targets.map(({ phase }) => (phase.type === "waiting" ? phase.retryAt : Infinity));
  return Math.min(Infinity, ...times);
}

/** No target has a port, or will ever get one. */
export function isHopeless({ targets }: BinderState): boolean {
  // Whoever gives the last one back ends the tunnel in an order of its own.
  return (
    targets.every(({ phase }) => isOver(phase)) && targets.some(({ phase }) => phase.type !== "released")
  );
}

/** No target but this one has a port, or will ever get one. */
export function isLast({ targets }: BinderState, targetId: number): boolean {
  return targets.every(({ id, phase }) => id === targetId || isOver(phase));
}

function isOver({ type }: TargetPhase): boolean {
  return type === "refused" || type === "replaced" || type === "released";
}

/** Each target has its port, or will never get one. */
export function isSettled({ targets }: BinderState): boolean {
  return targets.every(({ phase }) => phase.type === "bound" || isOver(phase));
}

type TargetStep = readonly [BoundTarget, readonly BinderAction[]];

interface Circumstances {
  readonly now: Instant;
  readonly random: Random;
  readonly patience: Patience;
}

function stepTarget(target: BoundTarget, input: BinderInput, at: Circumstances): TargetStep {
  const { phase } = target;
  const { now } = at;
  if (isOver(phase)) return [target, []];
  switch (input.type) {
    case "session":
      return ask(target, now);
    case "no_session":
      return [{ ...target, wanted: lost(target, now), phase: { type: "unbound" } }, []];
    case "not_served": {
      const { failure } = input;
      return [
        { ...target, phase: { type: "refused", failure } },
        [{ type: "refused", targetId: target.id, failure }],
      ];
    }
    case "all_replaced":
      return [{ ...target, phase: { type: "replaced" } }, [{ type: "replaced", targetId: target.id }]];
    case "message":
      return input.message.id === target.id ? heard(target, input.message, at) : [target, []];
    case "timeout":
      return phase.type === "waiting" && phase.retryAt <= now ? ask(target, now) : [target, []];
    case "release":
      return (input.targetId ?? target.id) === target.id ? release(target) : [target, []];
  }
}

function ask(target: BoundTarget, now: Instant): TargetStep {
  const { id, label, force, wanted } = target;
  const message = { type: "bind", id, port: nextPort(wanted, now), target: label, force } as const;
  return [{ ...target, phase: { type: "binding" } }, [{ type: "send", message }]];
}

/** Whoever holds a port asks for the same one again, for a while at least. */
function lost({ wanted, phase }: BoundTarget, now: Instant): WantedPort {
  return phase.type === "bound" ? lostPort(wanted, now) : wanted;
}

function release(target: BoundTarget): TargetStep {
  const message = { type: "unbind", id: target.id, reason: UNBIND.closed } as const;
  const told = target.phase.type === "bound" || target.phase.type === "binding";
  return [{ ...target, phase: { type: "released" } }, told ? [{ type: "send", message }] : []];
}

function heard(target: BoundTarget, message: RelayMessage, at: Circumstances): TargetStep {
  switch (message.type) {
    case "bound": {
      if (target.phase.type !== "binding") return [target, []];
      const { port, generation, lease_ms: leaseMs, host } = message;
      const previous = target.wanted.held;
      const phase = { type: "bound", port, generation, leaseMs } as const;
      const bound = {
        ...target,
        phase,
        host,
        force: false,
        refusals: 0,
        refusedSince: undefined,
        wanted: gotPort(target.wanted, port),
      };
      return [bound, previous === port ? [] : [{ type: "port", targetId: target.id, port, previous }]];
    }
    case "refused":
      return target.phase.type === "binding" ? refused(target, message, at) : [target, []];
    case "unbind":
      return target.phase.type === "bound" ? unbound(target, message.reason, at) : [target, []];
  }
}

function refused(
  target: BoundTarget,
  message: RelayMessage & { readonly type: "refused" },
  at: Circumstances,
): TargetStep {
  const failure = refusalOf(message, target.wanted);
  const told = { type: "refused", targetId: target.id, failure } as const;
  if (failure.retryable) {
    const next = waiting(target, failure, at);
    return [isEnough(next, at) ? { ...next, phase: { type: "refused", failure } } : next, [told]];
  }
  // A port that was given by chance and is refused for good is no reason to end: another one will do.
  if (mustForget(target.wanted, failure)) {
    return ask({ ...target, wanted: { ...target.wanted, held: undefined } }, at.now);
  }
  return [{ ...target, phase: { type: "refused", failure } }, [told]];
}

function unbound(target: BoundTarget, reason: string, at: Circumstances): TargetStep {
  if (reason === UNBIND.replaced) {
    return [{ ...target, phase: { type: "replaced" } }, [{ type: "replaced", targetId: target.id }]];
  }
  const failure = refusalOf(undefined, target.wanted);
  const told = { type: "refused", targetId: target.id, failure } as const;
  return [waiting({ ...target, wanted: lost(target, at.now) }, failure, at), [told]];
}

function isEnough({ refusals, refusedSince }: BoundTarget, { now, patience }: Circumstances): boolean {
  return refusals >= patience.maxRefusals || now - (refusedSince ?? now) >= patience.giveUpAfterMs;
}

function waiting(target: BoundTarget, failure: HoldfastError, { now, random }: Circumstances): BoundTarget {
  const refusals = target.refusals + 1;
  const refusedSince = target.refusedSince ?? now;
  const retryAt = now + retryDelay(refusals, failure.retryAfterMs, random);
  return { ...target, refusals, refusedSince, phase: { type: "waiting", failure, retryAt, refusals } };
}
