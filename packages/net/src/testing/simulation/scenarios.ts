// Directed scenarios: what the swarm meets too rarely, one promise each. The invariants hold in them as well.
import { watchEpochs } from "../../epochs.ts";
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
};
