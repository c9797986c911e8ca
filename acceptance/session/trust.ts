// Who is who, across a real network: fingerprints and shared secrets over TLS.
import assert from "node:assert/strict";
import { startNetworkLab, type NetworkLab } from "@holdfast/net/testing";
import { until } from "../harness/condition.ts";
import type { Command } from "../harness/command.ts";
import { startRelay, type RunningRelay } from "../harness/relay.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { needing } from "../harness/skip.ts";
import { connected, portOf } from "../harness/tunnel-state.ts";
import { expose } from "./stage.ts";

/** Without a second dial. */
const REFUSED_MS = 3_000;
const FINGERPRINT = /SHA256:[A-Za-z0-9+/]{43}/;

interface Abroad {
  readonly lab: NetworkLab;
  readonly relay: RunningRelay;
  readonly url: string;
  /** What the relay says that it is. */
  readonly fingerprint: string;
}

/** A relay on another machine, where nothing but TLS will do. */
async function relayAbroad(scene: Scene, args: readonly string[]): Promise<Abroad> {
  const lab = await startNetworkLab();
  scene.onEnd(() => lab.close());
  const { far } = lab;
  const env = { HOLDFAST_HOME: scene.anotherHome("relay") };
  const relay = await startRelay(scene, { args: ["--bind", far.address, ...args], env, on: far });
  const fingerprint = await until(
    "the relay says its fingerprint",
    () => FINGERPRINT.exec(relay.command.stderr)?.[0],
  );
  return { lab, relay, url: `holdfast://${far.address}:${relay.nativePort}`, fingerprint };
}

/** A client on the near machine that has never been there before, with a home of its own. */
function newcomer(scene: Scene, { lab, url }: Abroad, name: string, args: readonly string[]): Command {
  const env = { HOLDFAST_HOME: scene.anotherHome(name) };
  return expose(scene, { relay: url, target: 3_000, args, env, on: lab.near });
}

async function refusedWith3(command: Command): Promise<string> {
  const { code } = await command.exits();
  assert.equal(code, 3, `\`${command.name}\`: exit ${code} ${command.stderr}`);
  const { line, at } = await command.line("error");
  assert.equal(line.retryable, false);
  const afterMs = at - (await command.line("hello")).at;
  assert.ok(afterMs < REFUSED_MS, `took ${afterMs} ms`);
  return `${line.message} ${line.hint} ${command.stderr}`;
}

/** The same form, another key. */
function anotherFingerprint(fingerprint: string): string {
  const [kind = "", digits = ""] = fingerprint.split(":");
  return `${kind}:${digits.startsWith("A") ? "B" : "A"}${digits.slice(1)}`;
}

async function fingerprints(scene: Scene): Promise<string> {
  const abroad = await relayAbroad(scene, ["--anonymous"]);
  const wrong = anotherFingerprint(abroad.fingerprint);
  const words = await refusedWith3(newcomer(scene, abroad, "wrong", ["--fingerprint", wrong]));
  assert.ok(words.includes(wrong), `the expected fingerprint is not said: ${words}`);
  assert.ok(words.includes(abroad.fingerprint), `the relay's fingerprint is not said: ${words}`);
  const right = newcomer(scene, abroad, "right", ["--fingerprint", abroad.fingerprint]);
  const port = portOf(await connected(right, 1));
  const nothing = await refusedWith3(newcomer(scene, abroad, "nothing", []));
  assert.ok(nothing.includes(abroad.fingerprint) && nothing.includes("--fingerprint"), nothing);
  return `a wrong one is refused with both in the words, the right one got port ${port}, none at all is refused with the way in`;
}

async function secrets(scene: Scene): Promise<string> {
  const secretFile = scene.file("secret", "between the two of us");
  const wrongFile = scene.file("wrong", "between whom");
  const abroad = await relayAbroad(scene, ["--secret-file", secretFile]);
  const wrong = await refusedWith3(newcomer(scene, abroad, "wrong", ["--secret-file", wrongFile]));
  assert.match(wrong, /secret/i);
  assert.doesNotMatch(wrong, /between whom|between the two/, "a secret is in the output");
  const right = newcomer(scene, abroad, "right", ["--secret-file", secretFile]);
  const port = portOf(await connected(right, 1));
  const none = await refusedWith3(newcomer(scene, abroad, "none", ["--fingerprint", abroad.fingerprint]));
  assert.match(none, /secret/i);
  return `the right one let a newcomer in on first use (port ${port}), a wrong one and none are refused with 3`;
}

export const trust: readonly Act[] = [
  {
    name: "fingerprints, right, wrong and none",
    play: (scene) => needing({ lab: true }, () => fingerprints(scene)),
  },
  {
    name: "a shared secret on first use",
    play: (scene) => needing({ lab: true }, () => secrets(scene)),
  },
];
