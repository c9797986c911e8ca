// What happens to a line: the network, the machine, the peer and its user, each at the pace that the seed draws.
import { HoldfastError } from "@holdfast/core";
import type { Dice, Host, World } from "@holdfast/core/testing";
import type { Carrier } from "./carrier.ts";
import type { Answer, Peer } from "./peer.ts";
import type { Subject } from "./subject.ts";

interface Pace {
  readonly meanMs: number;
  readonly act: () => void;
}

export class Weather {
  readonly #world: World;
  readonly #host: Host;
  readonly #carrier: Carrier;
  readonly #peer: Peer;
  readonly #dice: Dice;
  #subject: Subject | undefined = undefined;
  /** Raised with each change of weather: what an earlier one planned does not happen. */
  #age = 0;

  constructor(world: World, host: Host, carrier: Carrier, peer: Peer, dice: Dice) {
    this.#world = world;
    this.#host = host;
    this.#carrier = carrier;
    this.#peer = peer;
    this.#dice = dice;
  }

  /** The same traits for all that follows: a path, and how much of each trouble there is. */
  storm(subject: Subject, peerBeats: boolean): void {
    const dice = this.#dice;
    this.#age += 1;
    this.#subject = subject;
    const latencyMs = dice.magnitude(0.1, 400);
    const wire = { latencyMs, jitterMs: latencyMs * dice.between(0, 2) };
    this.#carrier.path = {
      out: { ...wire, ...(dice.chance(0.15) ? { dropAbove: 1_200 } : {}), ...this.#limits() },
      back: { ...wire, ...(dice.chance(0.1) ? { bytesPerMs: 50 } : {}), ...this.#limits() },
    };
    this.#carrier.pingFailure = dice.chance(0.2) ? 0.3 : 0;
    this.#peer.beatMs = peerBeats ? 1_000 : undefined;
    this.#peer.handshakeMs = dice.magnitude(1, 3_000);
    this.#peer.bulk = dice.chance(0.15) ? { bytes: 20_000, everyMs: 500 } : undefined;
    this.#peer.answer = this.#manners();
    const trouble = dice.magnitude(0.1, 3);
    for (const pace of this.#paces()) {
      if (dice.chance(0.5)) this.#repeat(pace.meanMs / trouble, pace.act, this.#age);
    }
  }

  /** Everything works from now on. Links that are dead already are left to the engine to find, where it can. */
  calm(): void {
    this.#age += 1;
    const carrier = this.#carrier;
    const peer = this.#peer;
    const subject = this.#subject;
    this.#world.note("calm");
    carrier.setNetwork("up");
    carrier.path = { out: { latencyMs: 20 }, back: { latencyMs: 20 } };
    carrier.pingFailure = 0;
    peer.answer = () => ({ type: "welcome" });
    peer.handshakeMs = 5;
    peer.pongs = peer.acks = true;
    peer.pongDelayMs = 0;
    peer.bulk = undefined;
    if (subject === undefined) return;
    subject.issuer.calm = true;
    if (subject.line.link !== undefined && !subject.ledger.watched)
      carrier.cut({ nearMs: 1_000, farMs: 1_000 });
  }

  #limits(): { cutAtByte?: number; forgetsAfterMs?: number } {
    const dice = this.#dice;
    return {
      ...(dice.chance(0.1) ? { cutAtByte: dice.magnitude(10, 1_000_000) } : {}),
      ...(dice.chance(0.1) ? { forgetsAfterMs: dice.magnitude(2_000, 300_000) } : {}),
    };
  }

  #paces(): readonly Pace[] {
    const dice = this.#dice;
    const { line } = this.#subject as Subject;
    return [
      { meanMs: 120_000, act: () => this.#outage("refusing") },
      { meanMs: 120_000, act: () => this.#outage("silent") },
      { meanMs: 60_000, act: () => this.#cut() },
      { meanMs: 90_000, act: () => this.#carrier.blacken() },
      { meanMs: 300_000, act: () => this.#suspend() },
      { meanMs: 200_000, act: () => this.#host.stall(dice.magnitude(100, 60_000)) },
      {
        meanMs: 200_000,
        act: () => this.#host.shiftWall(dice.pick([3_600_000, -3_600_000, 1_500, -86_400_000])),
      },
      { meanMs: 60_000, act: () => this.#wake() },
      { meanMs: 120_000, act: () => this.#flap() },
      { meanMs: 120_000, act: () => this.#peer.say({ type: "drain", windowMs: this.#window() }) },
      { meanMs: 90_000, act: () => this.#peer.hangUp(this.#farewell()) },
      { meanMs: 120_000, act: () => (this.#peer.answer = this.#manners()) },
      { meanMs: 200_000, act: () => this.#silencePongs() },
      { meanMs: 15_000, act: () => line.link?.write(dice.pick([10, 1_000, 5_000])) },
      { meanMs: 300_000, act: () => this.#expire() },
      { meanMs: 900_000, act: () => this.#userEnds() },
      { meanMs: 40_000, act: () => this.#answerPrompt() },
    ];
  }

  #repeat(meanMs: number, act: () => void, age: number): void {
    this.#world.after(this.#dice.gap(meanMs), () => {
      if (age !== this.#age || this.#subject?.over) return;
      act();
      this.#repeat(meanMs, act, age);
    });
  }

  #outage(kind: "refusing" | "silent"): void {
    const age = this.#age;
    this.#carrier.setNetwork(kind);
    if (kind === "refusing") this.#cut();
    this.#world.after(this.#dice.magnitude(200, 600_000), () => {
      if (age === this.#age) this.#carrier.setNetwork("up");
    });
  }

  /** Each end notices the cut at once, late, or never. */
  #cut(): void {
    const dice = this.#dice;
    const notice = (): number | undefined => (dice.chance(0.3) ? undefined : dice.magnitude(1, 20_000));
    this.#carrier.cut({ nearMs: notice(), farMs: notice() });
  }

  #suspend(): void {
    const sleptMs = this.#dice.magnitude(500, 7_200_000);
    this.#host.suspend(sleptMs);
    if (sleptMs > 2_000 && this.#dice.chance(0.9)) this.#tellLater(sleptMs);
  }

  /** The watch of the clocks ticks once a second. */
  #tellLater(sleptMs: number): void {
    const { age, subject } = { age: this.#age, subject: this.#subject };
    this.#world.after(sleptMs + this.#dice.between(1, 1_000), () => {
      if (age === this.#age) this.#host.deliver(() => subject?.wakeByItself("sleep"));
    });
  }

  #wake(): void {
    this.#host.deliver(() => {
      if (this.#dice.chance(0.3)) return this.#subject?.wake();
      return this.#subject?.wakeByItself(this.#dice.pick(["network", "online", "visible", "sleep"]));
    });
  }

  /** Addresses come and go, again and again. */
  #flap(): void {
    const dice = this.#dice;
    const age = this.#age;
    let left = dice.whole(1, 40);
    const everyMs = dice.magnitude(50, 3_000);
    const change = (): void => {
      if (age !== this.#age || left-- <= 0) return;
      const moved = dice.chance(0.3);
      if (moved) this.#carrier.address = `10.0.0.${dice.whole(1, 200)}`;
      const { address } = this.#carrier;
      this.#host.deliver(() => this.#subject?.wakeByItself("network", [address]));
      this.#world.after(everyMs, change);
    };
    change();
  }

  #window(): number | undefined {
    return this.#dice.chance(0.2) ? undefined : this.#dice.magnitude(10, 2_000_000);
  }

  #farewell(): HoldfastError | undefined {
    const dice = this.#dice;
    if (dice.chance(0.4)) return undefined;
    const code = dice.pick(["restarting", "going_away", "shed", "shed", "token_refused", "replaced"]);
    if (code === "replaced" && dice.chance(0.7)) return undefined;
    const kind = code === "token_refused" ? "unauthorized" : "transient";
    const retryAfterMs = dice.chance(0.3) && kind === "transient" ? dice.magnitude(1, 1_000_000) : undefined;
    return new HoldfastError({ code, message: "farewell", kind, fault: "peer", retryAfterMs });
  }

  #silencePongs(): void {
    const age = this.#age;
    const peer = this.#peer;
    const what = this.#dice.pick(["pongs", "pongs", "acks", "late"]);
    if (what === "pongs") peer.pongs = false;
    else if (what === "acks") peer.acks = false;
    else peer.pongDelayMs = this.#dice.magnitude(10, 20_000);
    this.#world.after(this.#dice.magnitude(1_000, 120_000), () => {
      if (age !== this.#age) return;
      peer.pongs = peer.acks = true;
      peer.pongDelayMs = 0;
    });
  }

  #expire(): void {
    const { issuer } = this.#subject as Subject;
    issuer.newest += 1;
    if (this.#dice.chance(0.8)) this.#peer.leastToken = issuer.newest;
  }

  #userEnds(): void {
    const dice = this.#dice;
    const subject = this.#subject as Subject;
    this.#host.deliver(() => {
      if (dice.chance(0.5)) subject.close();
      else subject.abort();
      if (dice.chance(0.3)) subject.close();
    });
  }

  #answerPrompt(): void {
    this.#host.deliver(() => {
      if (this.#subject?.status.state === "auth_required") this.#subject.answer();
    });
  }

  /** How the peer answers dials for a while. */
  #manners(): () => Answer {
    const dice = this.#dice;
    const rudeness = dice.pick([0, 0, 0.2, 0.7, 1]);
    const favourite = dice.whole(0, 9);
    return () => {
      if (!dice.chance(rudeness)) {
        return { type: "welcome", windowMs: dice.chance(0.5) ? dice.magnitude(10, 100_000) : undefined };
      }
      return this.#rude(dice.chance(0.7) ? favourite : dice.whole(0, 10));
    };
  }

  #rude(which: number): Answer {
    const dice = this.#dice;
    const peer = { message: "refused", fault: "peer" } as const;
    const refuse = (failure: HoldfastError): Answer => ({ type: "refuse", failure });
    switch (which) {
      case 0:
        return { type: "mute" };
      case 1:
        return { type: "hang_up" };
      case 2:
      case 3:
        return { type: "welcome", kickAfterMs: dice.magnitude(1, 30_000) };
      case 4:
      case 5:
        return refuse(
          new HoldfastError({ ...peer, code: "busy", kind: dice.pick(["throttled", "transient"]) }),
        );
      case 6: {
        const retryAfterMs = dice.chance(0.05) ? 1e12 : dice.magnitude(0.1, 1_000_000);
        return refuse(new HoldfastError({ ...peer, code: "busy", kind: "throttled", retryAfterMs }));
      }
      case 7: {
        const code = dice.pick(["identity_changed", "not_our_peer"]);
        return refuse(new HoldfastError({ ...peer, code, kind: "fatal" }));
      }
      case 8:
        return refuse(
          new HoldfastError({ ...peer, code: "password_needed", kind: "unauthorized", prompt: "?" }),
        );
      case 9:
        return dice.chance(0.1)
          ? refuse(new HoldfastError({ ...peer, code: "replaced", kind: "fatal" }))
          : { type: "hang_up" };
      default:
        return dice.chance(0.1)
          ? refuse(new HoldfastError({ ...peer, code: "unsupported_version", kind: "fatal" }))
          : { type: "mute" };
    }
  }
}
