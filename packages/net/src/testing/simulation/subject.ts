// The engine under test: a real line from `connect()`, with everything around it simulated and every promise
// that it makes checked after every step.
import { HoldfastError, type EndReason, type Policy, type Status, type WakeReason } from "@holdfast/core";
import type { Dice, Host, World } from "@holdfast/core/testing";
import { connect } from "../../connect.ts";
import type { Signal } from "../../host.ts";
import type { Line, RetryPlan } from "../../line.ts";
import type { Carrier, SimulatedLink, Traits } from "./carrier.ts";
import { judgeWait } from "./conduct.ts";
import { judgeEnd } from "./endings.ts";
import { factsOf } from "./facts.ts";
import { checkInvariants } from "./invariants.ts";
import { Ledger } from "./ledger.ts";
import { CountedSignal, Reader } from "./readers.ts";
import { TokenIssuer, type TokenKind } from "./tokens.ts";

export interface SubjectPlan {
  readonly policy: Policy;
  readonly traits: Traits;
  readonly tokens: TokenKind;
  /** How long each reader of the status sleeps between two looks. */
  readonly readerSleepsMs: readonly number[];
  /** What the `retrying` hook does, after the wait was judged. Default: agrees. */
  readonly hook?: (subject: Subject, plan: RetryPlan) => number | false | void;
}

type WakeLine = (reason: WakeReason, addresses?: readonly string[]) => void;

export class Subject {
  readonly ledger: Ledger;
  readonly line: Line<SimulatedLink>;
  readonly issuer: TokenIssuer;
  readonly readers: readonly Reader[];
  readonly #world: World;
  readonly #host: Host;
  readonly #signal = new CountedSignal();
  readonly #hook: SubjectPlan["hook"];
  #wake: WakeLine | undefined = undefined;
  #reason: EndReason | undefined = undefined;
  #readySettled = false;
  #inHook = false;
  #waitKey = "";
  #waitingSince = 0;
  #shown = "";
  #stateShown: Status["state"] = "connecting";

  constructor(world: World, host: Host, carrier: Carrier, dice: Dice, plan: SubjectPlan) {
    const { policy, traits, tokens } = plan;
    this.#world = world;
    this.#host = host;
    this.#hook = plan.hook;
    this.issuer = new TokenIssuer(world, host, dice.fork(), tokens);
    const provider = tokens === "none" || tokens === "static" ? tokens : "function";
    const watched = traits.pings || traits.beats;
    const ledger = new Ledger(world, host, factsOf(policy), { watched, pings: traits.pings, provider });
    ledger.failsFast = (policy.failFast ?? true) !== false;
    this.ledger = ledger;
    const credentials = this.issuer.credentials(ledger);
    this.line = connect<SimulatedLink, number>({
      ...policy,
      dial: (attempt) => carrier.dial(attempt, traits, ledger),
      ...(credentials === undefined ? {} : { credentials }),
      retrying: (retry) => this.#retrying(retry),
      signal: this.#signal as unknown as Signal,
      wakes: [(wake) => this.#listen(wake)],
      onWarning: () => {
        throw new Error("a listener that throws");
      },
      clock: host.clock,
      random: dice.fork().random,
    });
    this.readers = plan.readerSleepsMs.map((ms) => this.#reader(ms));
    this.line.closed.then((reason) => this.#closed(reason)).catch(() => undefined);
    void this.line.ready().then(
      () => (this.#readySettled = true),
      () => (this.#readySettled = true),
    );
  }

  get over(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): EndReason | undefined {
    return this.#reason;
  }

  get status(): Status {
    return this.line.status;
  }

  /** What the last check saw. */
  get stateShown(): Status["state"] {
    return this.#stateShown;
  }

  /** As `reconnect` or SIGHUP do. */
  wake(): void {
    this.#world.note("woken by the user");
    this.ledger.woken(true);
    this.line.wake();
  }

  /** As the watch of the network and of sleep does. */
  wakeByItself(reason: Exclude<WakeReason, "user">, addresses?: readonly string[]): void {
    if (this.#wake === undefined) return;
    const { link } = this.line;
    const before = this.line.status;
    this.#world.note(`woken: ${reason}`);
    this.ledger.woken(false);
    this.#wake(reason, addresses);
    const gone = link !== undefined && addresses !== undefined && !addresses.includes(link.localAddress);
    if (gone && this.line.link === link) this.#world.fail("R6", "kept a link whose address is gone");
    if (before.state === "auth_required" && this.status.state !== "auth_required") {
      this.#world.fail("R6", "a wake that no user asked for left auth_required");
    }
    if (!this.#inHook) this.#judgeSooner(before);
  }

  answer(): void {
    this.ledger.answered();
    this.line.answer();
  }

  close(): void {
    this.#world.note("closed by the user");
    this.ledger.closedByUser = true;
    void this.line.close();
    this.#judgeClosed();
  }

  abort(): void {
    this.#world.note("aborted by the user");
    this.ledger.closedByUser = true;
    this.#signal.abort();
    this.#judgeClosed();
  }

  /** After every step of the world. */
  check(): void {
    const { status, link } = this.line;
    const { ledger } = this;
    const phase = "phase" in status ? status.phase : "";
    const shown = `${status.state} ${phase} ${status.epoch} ${status.attempt} ${status.failures}`;
    if (shown !== this.#shown) this.#world.note(shown);
    this.#shown = shown;
    this.#stateShown = status.state;
    const waitKey =
      phase === "waiting" ? `${status.attempt} ${ledger.runs.length} ${ledger.userActedAt}` : "";
    if (waitKey !== this.#waitKey) this.#waitingSince = ledger.now;
    this.#waitKey = waitKey;
    checkInvariants(ledger, { status, linked: link !== undefined, waitingSince: this.#waitingSince });
    if (this.#host.running && status.state === "connected" && !this.#readySettled) {
      this.#world.fail("R14", "connected, and ready() still waits");
    }
  }

  /** Some time after the end. */
  checkEnd(): void {
    const { ledger } = this;
    const world = this.#world;
    if (this.#reason === undefined) world.fail("I5", "closed never settled");
    if (!this.#readySettled) world.fail("R14", "ready() never settled");
    if (this.#host.armed > 0) world.fail("I6", "a timer is armed after the end");
    if (ledger.link.live.size > 0) world.fail("I6", "a link is open after the end");
    if (this.#wake !== undefined) world.fail("I6", "a wake source was not stopped");
    if (this.#signal.listeners.size > 0) world.fail("I6", "a listener is left on the signal");
    for (const reader of this.readers) reader.judgeEnd(ledger);
  }

  /** What the hook does takes effect when the step that called it is over. */
  #judgeClosed(): void {
    if (!this.#inHook && this.line.status.state !== "disconnected")
      this.#world.fail("I6", "close() did not act at once");
  }

  /** Rule 6: a wake brings the dial forward, though not before the peer allows. */
  #judgeSooner(before: Status): void {
    const { status, ledger } = this;
    if (!("retryAt" in before) || !("retryAt" in status)) return;
    const leftMs = status.delayMs - (ledger.now - this.#waitingSince);
    const pacedMs = (ledger.dialStarts.at(-10) ?? -Infinity) + 10_000 - ledger.now;
    const most = Math.max(350, ledger.notBefore - ledger.now, pacedMs) + 5;
    if (leftMs > most) this.#world.fail("R6", `woken, and still waits ${leftMs} ms`);
  }

  #retrying(plan: RetryPlan): number | false | void {
    if (this.ledger.ended || this.line.status.state === "disconnected")
      this.#world.fail("I5", "the hook was called after the end");
    judgeWait(this.ledger, plan);
    this.#inHook = true;
    try {
      return this.#answerOf(plan);
    } finally {
      this.#inHook = false;
    }
  }

  #answerOf(plan: RetryPlan): number | false | void {
    const answer = this.#hook?.(this, plan);
    if (answer === false) this.ledger.vetoed = true;
    return answer;
  }

  #listen(wake: WakeLine): () => void {
    this.#wake = wake;
    return () => (this.#wake = undefined);
  }

  #reader(sleepMs: number): Reader {
    const reader = new Reader(this.#world, this.#host);
    reader.read(this.line, sleepMs).catch((thrown: unknown) => {
      if (thrown instanceof HoldfastError) this.#world.fail("I5", `a reader was thrown ${thrown.code}`);
    });
    return reader;
  }

  #closed(reason: EndReason): void {
    this.#world.note(`ended: ${reason.code}`);
    if (this.#reason !== undefined) this.#world.fail("I5", "ended twice");
    this.#reason = reason;
    judgeEnd(this.ledger, reason);
    this.ledger.ended = true;
  }
}
