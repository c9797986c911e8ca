// One world of sessions, from its seed alone: a storm, a calm in which everything has to arrive, and an end. Every
// byte, every event and every frame is held against what was really written and said.
import type { HmacRequest } from "../../session/handshake/proof.ts";
import { Dice } from "../random.ts";
import { drawKnobs, type SessionKnobs } from "./knobs.ts";
import { finish } from "./finish.ts";
import { SessionWorld } from "./session-world.ts";
import { settleAll } from "./settled.ts";

export interface SimulateSessionOptions {
  readonly seed: number;
  readonly trace?: (line: string) => void;
  /** HMAC-SHA256, if the real one is wanted. Default: a fast digest without cryptographic worth. */
  readonly hmac?: (request: HmacRequest) => Uint8Array;
  /** Settings that are not drawn. */
  readonly knobs?: Partial<SessionKnobs>;
}

export interface SessionReport {
  readonly seed: number;
  /** Virtual hours. */
  readonly hours: number;
  readonly steps: number;
  readonly links: number;
  readonly cuts: number;
  readonly cutsInsideResumeOk: number;
  readonly resumes: number;
  readonly streams: number;
  readonly resets: number;
  readonly stops: number;
  readonly notProcessed: number;
  readonly datagrams: number;
  readonly noProgress: number;
  readonly bytesChecked: number;
  /** Equal for two runs only if the same happened in both. */
  readonly fingerprint: number;
}

const HOUR_MS = 3_600_000;

/**
 * Run one world.
 * @throws Violation with the seed in its message if a promise was not kept.
 */
export function simulateSession(options: SimulateSessionOptions): SessionReport {
  const { seed, trace, hmac } = options;
  const drawn = drawKnobs(Dice.seeded(Math.imul(seed, 0x9e3779b1)), seed);
  const knobs = { ...drawn, ...options.knobs };
  const stage = new SessionWorld({ seed, knobs, trace, hmac });
  storm(stage);
  finish(stage);
  settleAll(stage);
  return reportOf(stage);
}

function storm(stage: SessionWorld): void {
  const { world, knobs, dice } = stage;
  for (const client of stage.clients) client.dial();
  if (knobs.overlapEveryMs < Infinity) overlap(stage);
  for (const side of ["client", "server"] as const) {
    if (knobs.goAwayAtMs[side] < knobs.stormMs) {
      world.at(knobs.goAwayAtMs[side], () => {
        for (const [runner, app] of stage.apps)
          if (app.side === side && runner.session.end === undefined) app.goAway(dice.whole(0, 10_000));
      });
    }
  }
  if (knobs.detachAtMs < knobs.stormMs) {
    world.at(knobs.detachAtMs, () => {
      for (const runner of stage.server.runners) {
        if (!runner.session.attached) continue;
        runner.session.sendDetach(1, 1_000);
        runner.touched();
      }
    });
  }
  world.runNow(knobs.stormMs);
}

/** New links over healthy ones. */
function overlap(stage: SessionWorld): void {
  const { world, knobs, dice } = stage;
  world.after(knobs.overlapEveryMs * (0.5 + dice.random()), () => {
    if (!stage.network.stormy) return;
    for (const client of stage.clients) if (client.session.attached && dice.chance(0.15)) client.dial();
    overlap(stage);
  });
}

function reportOf(stage: SessionWorld): SessionReport {
  const { world, counts, network } = stage;
  const { links, cuts, insideResumeOk } = network.counts;
  world.note(JSON.stringify({ ...counts, ...network.counts }));
  return {
    seed: world.seed,
    hours: world.now / HOUR_MS,
    steps: world.steps,
    links,
    cuts,
    cutsInsideResumeOk: insideResumeOk,
    ...pick(counts),
    fingerprint: world.fingerprint,
  };
}

function pick(counts: SessionWorld["counts"]) {
  const { resumes, streams, resets, stops, notProcessed, datagrams, noProgress, bytesChecked } = counts;
  return { resumes, streams, resets, stops, notProcessed, datagrams, noProgress, bytesChecked };
}
