// A world for one directed scenario: a line, its peer and its network, all kind until the scenario says otherwise.
import { HoldfastError, type Policy } from "@holdfast/core";
import { Dice, Host, World } from "@holdfast/core/testing";
import { Carrier, type Traits } from "./carrier.ts";
import { Peer } from "./peer.ts";
import { drain } from "./drain.ts";
import { Subject, type SubjectPlan } from "./subject.ts";

export interface StageOptions extends Partial<Omit<SubjectPlan, "traits">> {
  readonly traits?: Partial<Traits>;
  readonly seed?: number;
  /** Before the line begins. */
  readonly before?: (peer: Peer, carrier: Carrier, host: Host) => void;
}

const KIND: Traits = { pings: true, beats: false, survivesPingFailure: false, rude: false };
const PATIENT: Policy = { failFast: false };

export class Stage {
  readonly world: World;
  readonly host: Host;
  readonly peer: Peer;
  readonly carrier: Carrier;
  readonly subject: Subject;

  constructor(options: StageOptions = {}) {
    const { traits, seed = 1, before } = options;
    this.world = new World({ seed });
    const dice = Dice.seeded(seed + 1_000);
    this.host = new Host(this.world);
    this.peer = new Peer(this.world, dice.fork());
    this.carrier = new Carrier(this.world, this.host, this.peer, dice.fork());
    before?.(this.peer, this.carrier, this.host);
    this.subject = new Subject(this.world, this.host, this.carrier, dice, {
      policy: { ...PATIENT, ...options.policy },
      traits: { ...KIND, ...traits },
      tokens: options.tokens ?? "none",
      readerSleepsMs: options.readerSleepsMs ?? [0],
      ...(options.hook === undefined ? {} : { hook: options.hook }),
    });
    this.host.onResume = () => this.subject.ledger.resumed();
  }

  async run(ms: number, until?: () => boolean): Promise<void> {
    await this.world.run(this.world.now + ms, {
      drain,
      check: () => this.subject.check(),
      ...(until === undefined ? {} : { until }),
    });
  }

  /** Wait for the link, which must come within `ms`. */
  async connected(ms = 60_000): Promise<void> {
    await this.run(ms, () => this.subject.status.state === "connected");
    this.expect(this.subject.status.state === "connected", `not connected within ${ms} ms`);
  }

  expect(holds: boolean, message: string): void {
    if (!holds) this.world.fail("scenario", message);
  }

  /** Close it, and see that nothing is left. */
  async end(): Promise<void> {
    if (!this.subject.over) this.subject.close();
    await this.run(180_000);
    this.subject.checkEnd();
  }
}

/** A refusal or farewell of the peer. */
export function fromPeer(code: string, details: Partial<HoldfastError> = {}): HoldfastError {
  const { kind = "transient", retryAfterMs, prompt } = details;
  return new HoldfastError({ code, message: "says the peer", fault: "peer", kind, retryAfterMs, prompt });
}
