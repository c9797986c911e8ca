// During an outage somebody else takes the host's place: nothing secret is sent to him, and nobody tries again until
// a person says so.
import assert from "node:assert/strict";
import { pause } from "../harness/condition.ts";
import { ListSampler } from "../harness/list-sampler.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { echoes, echoService } from "../harness/service.ts";
import { needing } from "../harness/skip.ts";
import { Sshd, SSHD_PROGRAMS } from "../harness/sshd.ts";
import { SshRecorder, type Said } from "../harness/ssh-recorder.ts";
import { servesAgain } from "../harness/tunnel-state.ts";
import { connectedAgain, connectTo, forwardTo, listedConnection, state, succeeds, watch } from "./stage.ts";

/** Long enough for several dials, if there were any. */
const QUIET_MS = 4_000;
const REFUSED = 3;

async function impostor(scene: Scene): Promise<string> {
  const host = await Sshd.start(scene);
  const other = await Sshd.start(scene, { settings: ["LogLevel DEBUG1"] });
  const recorder = await SshRecorder.start(scene, host.port);
  const known = scene.file("known_hosts", `[127.0.0.1]:${recorder.port} ${host.publicHostKey}\n`);
  const destination = `ssh://${host.user}@127.0.0.1:${recorder.port}`;
  const made = await connectTo(scene, destination, { name: "box", flags: host.flags(known) });
  const events = await watch(scene);
  const sampler = new ListSampler(scene);
  const forward = await forwardTo(scene, "box", await echoService(scene));
  assert.ok(await echoes(forward.port), "the forward carries nothing");
  // The instrument sees a login where there is one.
  const honest = recorder.said.at(-1);
  assert.ok(honest !== undefined && honest.secretBytes > 0, JSON.stringify(honest));

  const before = recorder.said.length;
  recorder.target = other.port;
  recorder.cut();
  const asked = await state(events, "box", "a person is needed", (line) => line.state === "auth_required");
  const { prompt, failure } = asked.line;
  assert.match(`${prompt} ${failure?.message}`, /SHA256:.*SHA256:/s, "not both fingerprints");
  // That nothing is tried meanwhile is the thing that is tested.
  await pause(QUIET_MS);
  const toImpostor = recorder.said.slice(before);
  assert.equal(toImpostor.length, 1, `${toImpostor.length} dials with nobody there`);
  assertNothingSecret(toImpostor, other);

  const refused = await scene.run(["authenticate", "box", "--json"]);
  assert.equal(refused.end?.code, REFUSED, `authenticate: ${refused.end?.code} ${refused.stderr}`);
  assert.notEqual((await listedConnection(scene, "box"))?.state, "connected");
  const attended = recorder.said.length - before;
  assert.equal(attended, 2, `${attended} dials, one of them attended`);
  assertNothingSecret(recorder.said.slice(before), other);

  recorder.target = host.port;
  await succeeds(scene, ["authenticate", "box", "--json"]);
  const back = await connectedAgain(events, "box", 2);
  assert.deepEqual([back.line.epoch, back.line.id], [2, made.id]);
  await servesAgain(forward.port);
  return (
    `${toImpostor[0]?.messages.length} messages to the impostor, none after its key, no login in its log; ` +
    `authenticate refused it (exit ${REFUSED}), then took the right one: epoch 2; ${await sampler.stop()}`
  );
}

/** It said who it is and began the key exchange; when it saw the key, it said nothing that only the host may know. */
function assertNothingSecret(said: readonly Said[], { log }: Sshd): void {
  for (const { messages, secretBytes } of said) {
    assert.ok(messages.length > 0, "it never came as far as the key");
    assert.equal(secretBytes, 0, `${secretBytes} bytes after the key exchange: ${messages.join(" ")}`);
  }
  assert.doesNotMatch(log, /userauth-request/, "the impostor was asked for a login");
}

export const hostKey: readonly Act[] = [
  {
    name: "the host's key changes during an outage",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => impostor(scene)),
  },
];
