// One world, from its seed alone: line after line lives through a storm, must come back when it is over, and
// must leave nothing behind.
import { Host, World } from "@holdfast/core/testing";
import { Carrier } from "./carrier.ts";
import { drain } from "./drain.ts";
import { Peer } from "./peer.ts";
import { drawPlan } from "./plans.ts";
import { Subject } from "./subject.ts";
import { Weather } from "./weather.ts";

export interface SimulateOptions {
  readonly seed: number;
  /** How long the world lasts, in virtual hours. Default 2. */
  readonly hours?: number;
  readonly trace?: (line: string) => void;
}

export interface SimulationReport {
  readonly seed: number;
  readonly hours: number;
  readonly steps: number;
  readonly lines: number;
  readonly dials: number;
  readonly links: number;
  /** Equal for two runs only if the same happened in both. */
  readonly fingerprint: number;
}

const HOUR_MS = 3_600_000;
/** After a storm a line must be connected within its own longest wait and this. Generous: slow is not wrong. */
const PATIENCE_MS = 1_300_000;
/** No machine of a storm is away for longer. */
const LONGEST_AWAY_MS = 86_400_000;
const AFTER_END_MS = 180_000;
/** A person takes a moment. */
const ANSWERED_AFTER_MS = 1_000;

/**
 * Run one world.
 * @throws Violation with the seed in its message if a promise was not kept.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const { seed, hours = 2, trace } = options;
  const world = new World({ seed, ...(trace === undefined ? {} : { trace }) });
  const totals = { lines: 0, dials: 0, links: 0 };
  while (world.now < hours * HOUR_MS) {
    const subject = await live(world);
    totals.lines += 1;
    totals.dials += subject.ledger.runs.length;
    totals.links += subject.ledger.opens;
  }
  return { seed, hours: world.now / HOUR_MS, steps: world.steps, ...totals, fingerprint: world.fingerprint };
}

/** The life of one line. */
async function live(world: World): Promise<Subject> {
  const dice = world.dice.fork();
  const host = new Host(world);
  const peer = new Peer(world, dice.fork());
  const carrier = new Carrier(world, host, peer, dice.fork());
  const weather = new Weather(world, host, carrier, peer, dice.fork());
  const plan = drawPlan(dice);
  const subject = new Subject(world, host, carrier, dice, plan);
  host.onResume = () => subject.ledger.resumed();
  const check = (): void => subject.check();
  const until = (): boolean => subject.over;
  weather.storm(subject, plan.peerBeats);
  await world.run(world.now + dice.magnitude(30_000, 3_600_000), { drain, check, until });
  if (!subject.over) await recover(world, host, weather, subject);
  await world.run(world.now + AFTER_END_MS, { drain, check });
  weather.calm();
  await world.run(world.now, { drain });
  subject.checkEnd();
  return subject;
}

/** I11, and that a line that has come back stays. */
async function recover(world: World, host: Host, weather: Weather, subject: Subject): Promise<void> {
  const check = (): void => subject.check();
  weather.calm();
  const calmFrom = subject.ledger.now;
  await world.run(world.now + LONGEST_AWAY_MS, { drain, check, until: () => host.running || subject.over });
  if (!subject.over && subject.status.state === "auth_required") subject.answer();
  const { status } = subject;
  const leftMs = "delayMs" in status ? status.delayMs : 0;
  const { facts } = subject.ledger;
  const patienceMs =
    leftMs + PATIENCE_MS + 3 * facts.dialTimeoutMs + 3 * (facts.heartbeat?.noProgressMs ?? 0);
  const arrived = (): boolean => subject.over || subject.stateShown === "connected";
  const deadline = world.now + patienceMs;
  // What the peer asked in the storm may be heard only now.
  const asked = (): boolean => !subject.over && subject.stateShown === "auth_required";
  const until = (): boolean => arrived() || asked();
  await world.run(deadline, { drain, check, until });
  while (asked() && world.now < deadline) {
    await world.run(world.now + ANSWERED_AFTER_MS, { drain, check });
    if (asked()) subject.answer();
    await world.run(deadline, { drain, check, until });
  }
  if (!arrived())
    world.fail("I11", `not back after ${patienceMs} ms with a willing peer: ${subject.status.state}`);
  await stay(world, subject, check, calmFrom);
  if (!subject.over) subject.close();
}

/** With nothing wrong, nothing is lost: a link that was made in the calm stays. Older ones may carry a fault. */
async function stay(world: World, subject: Subject, check: () => void, calmFrom: number): Promise<void> {
  const until = (): boolean => subject.over;
  await world.run(world.now + 200_000, { drain, check, until });
  if (subject.over) return;
  const { epoch } = subject.status;
  if ((subject.ledger.run?.startedAt ?? 0) < calmFrom) return;
  await world.run(world.now + 200_000, { drain, check, until });
  if (!subject.over && subject.status.epoch !== epoch) {
    world.fail("stay", "a link was lost though nothing was wrong");
  }
}
