// Swarm testing: each line draws which policy it has, which traits its links have, and who watches it.
import { presets, type Jitter, type Policy, type PresetName } from "@holdfast/core";
import type { Dice } from "@holdfast/core/testing";
import type { Traits } from "./carrier.ts";
import type { Subject, SubjectPlan } from "./subject.ts";
import type { TokenKind } from "./tokens.ts";

const NAMES = Object.keys(presets) as [PresetName, ...PresetName[]];

export function drawPlan(dice: Dice): SubjectPlan & { readonly peerBeats: boolean } {
  const beats = dice.chance(0.25);
  const tokens: TokenKind = dice.chance(0.5)
    ? "none"
    : dice.pick(["static", "fresh", "cached", "stubborn", "flaky", "slow", "never"]);
  const mischief = dice.chance(0.3);
  const chooser = dice.fork();
  return {
    policy: drawPolicy(dice),
    traits: drawTraits(dice, beats),
    tokens,
    peerBeats: beats,
    readerSleepsMs: [0, dice.magnitude(10, 60_000)],
    ...(mischief ? { hook: (subject: Subject) => misbehave(subject, chooser) } : {}),
  };
}

function drawTraits(dice: Dice, beats: boolean): Traits {
  return {
    pings: dice.chance(0.85),
    beats,
    survivesPingFailure: dice.chance(0.3),
    rude: dice.chance(0.3),
  };
}

function drawPolicy(dice: Dice): Policy {
  const policy: Policy = dice.chance(0.35) ? presets[dice.pick(NAMES)] : drawBackoff(dice);
  const heartbeat = drawHeartbeat(dice);
  const drawn: Policy = {
    ...policy,
    failFast: dice.chance(0.05) ? (dice.chance(0.5) ? true : () => dice.chance(0.5)) : false,
    ...(heartbeat === undefined ? {} : { heartbeat }),
    ...(dice.chance(0.15) ? { maxAttempts: dice.whole(1, 30) } : {}),
    ...(dice.chance(0.15) ? { giveUpAfterMs: dice.magnitude(1_000, 3_600_000) } : {}),
    ...(dice.chance(0.1) ? { strictIdentity: true } : {}),
    ...(dice.chance(0.04) ? { reconnect: false } : {}),
    ...(dice.chance(0.2) ? { dialTimeoutMs: dice.magnitude(500, 60_000) } : {}),
    ...(dice.chance(0.2) ? { stableAfterMs: dice.magnitude(500, 60_000) } : {}),
  };
  return drawn;
}

function drawBackoff(dice: Dice): Policy {
  if (dice.chance(0.5)) return {};
  const initialMs = dice.magnitude(1, 5_000);
  return {
    backoff: {
      initialMs,
      factor: dice.between(1, 4),
      maxMs: Math.max(100, initialMs * dice.magnitude(1, 100)),
      strategy: dice.pick(["exponential", "fibonacci", "fixed"]),
      firstRetry: dice.pick(["spread", "schedule", "at_once"]),
      jitter: dice.pick<Jitter>([
        { kind: "full" },
        { kind: "equal" },
        { kind: "proportional", ratio: 0.3 },
        { kind: "additive", ms: 700 },
        { kind: "none" },
      ]),
    },
  };
}

function drawHeartbeat(dice: Dice): Policy["heartbeat"] {
  if (dice.chance(0.45)) return undefined;
  if (dice.chance(0.1)) return false;
  const timeoutMs = dice.magnitude(1_000, 120_000);
  return {
    timeoutMs,
    intervalMs: dice.chance(0.2) ? timeoutMs * dice.between(1, 3) : timeoutMs * dice.between(0.2, 0.9),
    maxFailures: dice.whole(0, 4),
  };
}

/** What a hook may do, and what it should not. */
function misbehave(subject: Subject, dice: Dice): number | false | void {
  if (subject.issuer.calm || dice.chance(0.7)) return undefined;
  switch (dice.whole(0, 9)) {
    case 0:
      return dice.chance(0.2) ? false : undefined;
    case 1:
      return dice.magnitude(1, 60_000);
    case 2:
      return 0;
    case 3:
      return Number.NaN;
    case 4:
      if (dice.chance(0.2)) subject.close();
      return undefined;
    case 5:
      subject.wake();
      return undefined;
    case 6:
      subject.wakeByItself("network");
      return undefined;
    case 7:
      return dice.chance(0.05) ? 1e12 : undefined;
    default:
      throw new Error("a hook that throws");
  }
}
