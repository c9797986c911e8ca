// Directed scenarios: what the swarm meets too rarely, one promise each. The invariants hold in them as well.
import { watchEpochs } from "../../epochs.ts";
import type { Peer } from "./peer.ts";
import { fromPeer, Stage } from "./stage.ts";

export type Scenario = () => Promise<void>;

/** By name. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  "the callback preset reports its end once": async () => {
    const codes: number[] = [];
    const stage = new Stage();
    watchEpochs(stage.subject.line, (code) => codes.push(code));
    await stage.connected();
    stage.peer.hangUp();
    await stage.run(30_000);
    await stage.end();
    stage.expect(codes.join() === "1,2,0", `reported ${codes.join()}`);
  },

  "a provider that throws is asked again after the delay": async () => {
    const stage = new Stage({ tokens: "flaky", seed: 3 });
    await stage.run(120_000);
    stage.expect(stage.subject.status.state === "connected", "not connected");
    await stage.end();
  },

  "a replaced line rests": async () => {
    const stage = new Stage();
    await stage.connected();
    stage.peer.hangUp(fromPeer("replaced"));
    await stage.run(60_000);
    stage.expect(stage.subject.reason?.code === "replaced", "goes on");
    await stage.end();
  },

  "the budget does not run out asleep": async () => {
    const stage = new Stage({ policy: { giveUpAfterMs: 60_000 }, before: refusing("busy", 120_000) });
    await stage.run(30_000);
    stage.host.stall(60_000);
    stage.peer.answer = () => ({ type: "welcome" });
    await stage.run(120_000);
    stage.expect(stage.subject.status.state === "connected", "gave up without the dial that it was owed");
    await stage.end();
  },

  "a token that expires days after a refresh is refreshed again": async () => {
    const stage = await refreshed();
    await stage.run(86_400_000);
    expire(stage, 3);
    await stage.run(1_000);
    await stage.connected();
    stage.expect(stage.subject.status.epoch === 2, "the token was not refused");
    await stage.end();
  },

  "a fresh token that is refused right after the connect is the last": async () => {
    const stage = await refreshed();
    await stage.run(1_000);
    expire(stage, 3);
    await stage.run(60_000);
    stage.expect(stage.subject.reason?.code === "failed", "goes on with refused tokens");
    await stage.end();
  },

  "a token that comes late is not taken for the refused one": async () => {
    const stage = new Stage({ tokens: "late", before: (peer) => (peer.leastToken = 2) });
    stage.peer.handshakeMs = 600;
    await stage.run(50);
    stage.subject.wakeByItself("network");
    await stage.connected();
    await stage.end();
  },

  "a link's owner may close the line while it is hung up": async () => {
    const stage = new Stage();
    await stage.connected();
    stage.carrier.onLinkClosed = (): void => {
      stage.subject.ledger.closedByUser = true;
      void stage.subject.line.close();
    };
    stage.carrier.blacken();
    await stage.run(30_000);
    stage.expect(stage.subject.over, "goes on");
    await stage.end();
  },

  "data that does not move is noticed, however often the line is woken": async () => {
    const stage = new Stage();
    await stage.connected();
    stage.peer.acks = false;
    stage.subject.line.link?.write(100);
    for (let woken = 0; woken < 12; woken++) {
      await stage.run(5_000);
      stage.subject.wakeByItself("visible");
    }
    stage.expect(stage.subject.status.epoch === 2, "never noticed");
    await stage.end();
  },

  "an acknowledgement right after a write counts as progress": async () => {
    const stage = new Stage();
    await stage.connected();
    const { link } = stage.subject.line;
    stage.peer.acks = false;
    link?.write(100);
    await stage.run(28_000);
    stage.peer.acks = true;
    link?.write(100);
    await stage.run(10_000);
    stage.expect(stage.subject.status.epoch === 1, "a link whose data moves was hung up");
    await stage.end();
  },

  "a write is not taken for progress": async () => {
    const stage = new Stage();
    await stage.connected();
    const { link } = stage.subject.line;
    stage.peer.acks = false;
    link?.write(50);
    await stage.run(1_000);
    stage.peer.acks = true;
    link?.write(100);
    link?.write(100);
    await stage.run(1_000);
    stage.peer.acks = false;
    await stage.run(20_000);
    link?.write(10);
    await stage.run(60_000);
    stage.expect(stage.subject.status.epoch === 2, "data that does not move was not noticed");
    await stage.end();
  },

  "a line that is replaced at its first dial says so": async () => {
    const failure = fromPeer("replaced", { kind: "fatal" });
    const stage = new Stage({
      policy: { failFast: true },
      before: (peer) => (peer.answer = () => ({ type: "refuse", failure })),
    });
    await stage.run(10_000);
    stage.expect(stage.subject.reason?.code === "replaced", "says something else");
    await stage.end();
  },

  "a drain spreads the return over the window that it announced": async () => {
    const stage = new Stage();
    await stage.connected();
    await stage.run(20_000);
    stage.peer.say({ type: "drain", windowMs: 100_000 });
    await stage.run(1_000);
    stage.peer.hangUp();
    await stage.run(1_000);
    const { status } = stage.subject;
    stage.expect("delayMs" in status && status.delayMs > 1_000, "comes back at once with everybody else");
    await stage.end();
  },

  "a veto ends it": async () => {
    const stage = new Stage({ hook: () => false });
    await stage.connected();
    stage.peer.hangUp();
    await stage.run(1_000);
    stage.expect(stage.subject.reason?.code === "vetoed", "goes on");
    await stage.end();
  },

  "a timer that is a little late lets waiting bytes in first": async () => {
    const stage = new Stage();
    await stage.connected();
    stage.peer.pongs = false;
    const { heardAt } = stage.subject.ledger;
    await stage.run(heardAt + 14_400 - stage.world.now);
    stage.host.stall(1_100);
    await stage.run(400);
    stage.peer.say({ type: "beat" });
    stage.peer.pongs = true;
    await stage.run(30_000);
    stage.expect(stage.subject.status.epoch === 1, "a living peer was hung up");
    await stage.end();
  },

  "writing to a link that was idle does not kill it": async () => {
    const stage = new Stage();
    await stage.connected();
    await stage.run(8_500);
    stage.subject.line.link?.write(100);
    await stage.run(60_000);
    stage.expect(stage.subject.status.epoch === 1, "a healthy link was hung up");
    await stage.end();
  },
};

function refusing(code: string, retryAfterMs: number): (peer: Peer) => void {
  return (peer) => {
    peer.answer = () => ({ type: "refuse", failure: fromPeer(code, { kind: "throttled", retryAfterMs }) });
  };
}

/** A line whose first token was refused and whose second was taken. */
async function refreshed(): Promise<Stage> {
  const stage = new Stage({ tokens: "cached", before: (peer) => (peer.leastToken = 2) });
  stage.subject.issuer.newest = 2;
  await stage.connected();
  return stage;
}

function expire(stage: Stage, newest: number): void {
  stage.subject.issuer.newest = newest;
  stage.peer.leastToken = newest;
  stage.peer.hangUp(fromPeer("token_refused", { kind: "unauthorized" }));
}
