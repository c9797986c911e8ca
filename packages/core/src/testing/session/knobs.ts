// Everything that differs between two simulated worlds, drawn from the seed at its beginning. Each world draws all of
// it anew ("swarm testing"): a bug that needs two rare settings at once meets them sooner than in a fair world.
import type { SessionLimits } from "../../session/limits.ts";
import type { Dice } from "../random.ts";
import type { Side } from "./book.ts";

interface AppKnobs {
  /** Streams that each side opens at a time, and in all. */
  readonly atATime: number;
  readonly inAll: number;
  /** The most bytes that one direction of a stream carries. */
  readonly mostBytes: number;
  readonly thinkMs: number;
  readonly slowReaders: boolean;
  readonly resets: number;
  readonly stops: number;
  readonly datagrams: boolean;
  readonly auth: boolean;
}

export interface SessionKnobs {
  readonly limits: Readonly<Record<Side, SessionLimits>>;
  /** What windows of all sessions of a process share, in bytes; and logs with queues. */
  readonly growthPoolBytes: Readonly<Record<Side, number>>;
  readonly replayPoolBytes: Readonly<Record<Side, number>>;
  /** What the driver lets wait in the process for the link. */
  readonly roomBytes: Readonly<Record<Side, number>>;
  readonly app: AppKnobs;

  // The links.
  readonly latencyMs: number;
  readonly slowLinks: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
  readonly mtu: number;
  readonly segmentBytes: number;
  readonly kernelBytes: Readonly<Record<Side, number>>;
  readonly meanLifeMs: number;
  readonly silentCuts: number;
  readonly blackHoles: number;
  readonly dropsLarge: number;
  readonly cutsInResumeOk: number;
  readonly cutInsideChunk: number;
  readonly clientNoticesMs: number;
  readonly serverNoticesMs: number;

  // The ends.
  readonly redialMs: number;
  readonly connectMs: number;
  readonly handshakeMs: number;
  readonly overlapEveryMs: number;
  /** An HMAC takes up to so long; 5 % take up to 2 s. 0: it is there at once. */
  readonly proofMs: number;
  readonly heartbeatMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly exporter: boolean;
  readonly secret: boolean;
  readonly clients: number;

  // The course of things.
  readonly stormMs: number;
  readonly goAwayAtMs: Readonly<Record<Side, number>>;
  readonly detachAtMs: number;
  readonly end: "drain" | "drain in the storm" | "drain under load" | "lose" | "close" | "restart";
  readonly endBy: Side;
}

const KIB = 1_024;
const MIB = 1_024 * KIB;

export function drawKnobs(dice: Dice, seed: number): SessionKnobs {
  const knobs = drawUsual(dice, seed);
  return dice.chance(0.05) ? { ...knobs, ...drawBulk(dice, knobs) } : knobs;
}

/** Few large streams over wide paths: here what is in flight is bounded by the path, not by the replay bound. */
function drawBulk(dice: Dice, usual: SessionKnobs): Partial<SessionKnobs> {
  const limits = (side: Side): SessionLimits => ({
    ...usual.limits[side],
    replayBytes: power(dice, 17, 22),
    maxFrameBytes: 64 * KIB,
    maxWindow: 8 * MIB,
    growthBytes: 16 * MIB,
    queueBytes: 256 * KIB,
    sliceBytes: 16 * KIB,
    aheadBytes: 128 * KIB,
    ackBytes: 256 * KIB,
    ackDelayMs: 25,
  });
  return {
    limits: { client: limits("client"), server: limits("server") },
    growthPoolBytes: { client: 32 * MIB, server: 32 * MIB },
    roomBytes: { client: 512 * KIB, server: 512 * KIB },
    kernelBytes: { client: power(dice, 16, 21), server: power(dice, 16, 21) },
    segmentBytes: 64 * KIB,
    mtu: 64 * KIB,
    bytesPerMs: dice.pick([Infinity, dice.magnitude(1_000, 20_000)]),
    app: { ...usual.app, atATime: dice.whole(1, 2), inAll: 2, mostBytes: 2 * MIB, thinkMs: 0 },
  };
}

function drawUsual(dice: Dice, seed: number): SessionKnobs {
  const slow = dice.chance(0.3);
  const proofs = dice.chance(0.5);
  return {
    limits: { client: drawLimits(dice), server: drawLimits(dice) },
    growthPoolBytes: { client: power(dice, 0, 20), server: power(dice, 0, 20) },
    replayPoolBytes: drawReplayPools(dice),
    roomBytes: { client: power(dice, 8, 16), server: power(dice, 8, 16) },
    app: drawApp(dice),
    latencyMs: dice.magnitude(1, 200),
    slowLinks: 0.2,
    jitterMs: dice.pick([0, dice.between(0, 99)]),
    bytesPerMs: slow ? dice.magnitude(2, 128) : Infinity,
    mtu: dice.pick([dice.whole(1, 16), dice.whole(1, 1_500), dice.whole(1, 65_536)]),
    segmentBytes: power(dice, 6, 14),
    kernelBytes: { client: power(dice, 8, 16), server: power(dice, 8, 16) },
    meanLifeMs: 50 * 2 ** dice.whole(0, 8),
    silentCuts: dice.chance(0.4) ? 0.5 : 0,
    blackHoles: dice.chance(0.3) ? 0.2 : 0,
    dropsLarge: dice.chance(0.25) ? 0.3 : 0,
    cutsInResumeOk: dice.chance(0.3) ? 0.25 : 0,
    cutInsideChunk: dice.chance(0.5) ? 0.5 : 0,
    clientNoticesMs: dice.between(0, 300),
    serverNoticesMs: dice.between(0, 3_000),
    redialMs: dice.magnitude(1, 400),
    connectMs: dice.magnitude(1, 200),
    handshakeMs: dice.between(300, 6_300),
    overlapEveryMs: dice.chance(0.6) ? dice.between(100, 1_600) : Infinity,
    proofMs: proofs ? 30 : 0,
    heartbeatMs: dice.magnitude(300, 5_000),
    heartbeatTimeoutMs: dice.magnitude(2_000, 15_000),
    exporter: dice.chance(0.5),
    secret: dice.chance(0.3),
    clients: dice.chance(0.2) ? 2 : 1,
    stormMs: 60_000,
    goAwayAtMs: drawGoAway(dice),
    detachAtMs: dice.chance(0.3) ? dice.between(1_000, 50_000) : Infinity,
    end: seed % 8 === 7 ? dice.pick(["lose", "restart", "close"]) : drawEnd(dice),
    endBy: dice.pick(["client", "server"]),
  };
}

function drawEnd(dice: Dice): SessionKnobs["end"] {
  return dice.pick(["drain", "drain in the storm", "drain under load"]);
}

function drawLimits(dice: Dice): SessionLimits {
  const initialCredit = power(dice, 9, 15);
  return {
    replayBytes: power(dice, 10, 16),
    initialCredit,
    maxFrameBytes: power(dice, 12, 16),
    maxStreams: dice.pick([dice.whole(1, 8), dice.whole(8, 64), 1_024]),
    maxWindow: Math.max(512, initialCredit * 2 ** dice.whole(0, 5)),
    growthBytes: dice.pick([0, power(dice, 10, 20)]),
    queueBytes: power(dice, 8, 15),
    sliceBytes: power(dice, 5, 11),
    aheadBytes: power(dice, 6, 14),
    ackBytes: power(dice, 5, 12),
    ackDelayMs: dice.whole(0, 100),
    datagramBytes: power(dice, 8, 16),
    noProgressMs: dice.whole(15_000, 40_000),
  };
}

function drawReplayPools(dice: Dice): Record<Side, number> {
  const large = 256 * 2 ** 20;
  if (!dice.chance(0.25)) return { client: large, server: large };
  return { client: power(dice, 10, 18), server: power(dice, 10, 18) };
}

function drawGoAway(dice: Dice): Record<Side, number> {
  const at = (): number => (dice.chance(0.15) ? dice.between(5_000, 60_000) : Infinity);
  return { client: at(), server: at() };
}

function drawApp(dice: Dice): AppKnobs {
  return {
    atATime: dice.whole(1, 6),
    inAll: dice.whole(1, 60),
    mostBytes: power(dice, 6, 15),
    thinkMs: dice.pick([0, dice.magnitude(1, 1_000)]),
    slowReaders: dice.chance(0.5),
    resets: dice.pick([0, 0.15]),
    stops: dice.pick([0, 0.15]),
    datagrams: dice.chance(0.5),
    auth: dice.chance(0.3),
  };
}

/** A whole number between two powers of two, every order of magnitude alike. */
function power(dice: Dice, low: number, high: number): number {
  return Math.round(dice.magnitude(2 ** low, 2 ** high));
}
