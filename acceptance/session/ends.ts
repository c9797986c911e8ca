// Ends that mean what they say: half-closed streams, visitors that wait, a relay that drains.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { onOrderlyEnd } from "@holdfast/net/node";
import { pause, until } from "../harness/condition.ts";
import { fateOf } from "../harness/fate.ts";
import { startRelay } from "../harness/relay.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { echoService, listenForScene } from "../harness/service.ts";
import { Ticker } from "../harness/ticker.ts";
import { connected, isClosed, portOf, servesAgain, tunnelState } from "../harness/tunnel-state.ts";
import { nativeUrl, RELAY_DELAY_MS, startTunnel, throughProxy } from "./stage.ts";

const QUESTION_BYTES = 3_000_000;

/** Answers with the hash of the question, which it can only know once the question has ended. */
function answersAtTheEnd(scene: Scene): Promise<number> {
  return listenForScene(scene, (socket) => {
    const hash = createHash("sha256");
    socket.on("data", (chunk: Buffer) => hash.update(chunk));
    onOrderlyEnd(socket, () => socket.end(hash.digest("hex")));
  });
}

interface Visitor {
  readonly socket: Socket;
  text: string;
  /** `end`, or the code of an error; `undefined` while it is open. */
  fate: string | undefined;
}

function visit(scene: Scene, port: number): Visitor {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const visitor: Visitor = { socket, text: "", fate: undefined };
  socket.setEncoding("utf8").on("data", (text: string) => (visitor.text += text));
  void fateOf(socket).then((fate) => (visitor.fate = fate));
  scene.onEnd(() => void socket.destroy());
  return visitor;
}

async function halfClose(scene: Scene): Promise<string> {
  const target = await answersAtTheEnd(scene);
  const { port } = await throughProxy(scene, target);
  const question = Buffer.alloc(QUESTION_BYTES, "what is it? ");
  const visitor = visit(scene, port);
  visitor.socket.end(question);
  await until("the answer ends", () => visitor.fate);
  assert.equal(visitor.fate, "end");
  assert.equal(visitor.text, createHash("sha256").update(question).digest("hex"));
  return `${QUESTION_BYTES} bytes, then the end, then the answer, then its end`;
}

const AWAY_MS = 3_000;
const PARKED = 20;

async function parked(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const { command, proxy, port } = await throughProxy(scene, target);
  await servesAgain(port);
  await proxy.refuse();
  proxy.cut();
  await tunnelState(command, "the client is away", ({ state }) => state === "reconnecting");
  const visitors = Array.from({ length: PARKED }, () => visit(scene, port));
  for (const [number, { socket }] of visitors.entries()) socket.end(`visitor ${number}`);
  await until("every visitor is connected", () => visitors.every(({ socket }) => !socket.connecting));
  // How long they wait is the thing that is tested.
  await pause(AWAY_MS);
  for (const { text, fate } of visitors)
    assert.deepEqual([text, fate], ["", undefined], "nobody is there yet");
  await proxy.heal();
  await connected(command, 2);
  const backAt = performance.now();
  await until("every visitor has its answer", () => visitors.every(({ fate }) => fate !== undefined));
  const servedMs = performance.now() - backAt;
  for (const [number, { text, fate }] of visitors.entries())
    assert.deepEqual([text, fate], [`visitor ${number}`, "end"], `visitor ${number}`);
  return `${PARKED} visitors came while the client was away and waited ${AWAY_MS} ms, all served ${servedMs.toFixed(0)} ms after it was back`;
}

async function drain(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const env = { HOLDFAST_HOME: scene.anotherHome("relay") };
  const first = await startRelay(scene, { env, args: ["--drain-timeout", "20s"] });
  const tunnel = await startTunnel(scene, {
    relay: nativeUrl(first.nativePort),
    target,
    args: ["--max-reconnect-delay", `${RELAY_DELAY_MS}ms`],
  });
  const ticker = new Ticker(scene, tunnel.port);
  await until("an echo", () => ticker.echoed > 0);
  first.command.kill("SIGTERM");
  await isClosed(tunnel.port);
  const before = ticker.echoed;
  await until("the stream goes on", () => ticker.echoed >= before + 20);
  assert.ok(first.command.running, "it did not wait for its visitor");
  const typed = await ticker.finish();
  const { code } = await first.command.exits();
  assert.equal(code, 0, first.command.stderr);
  const { nativePort, borePort } = first;
  const second = await startRelay(scene, { env, nativePort, borePort });
  const back = await connected(tunnel.command, 2);
  const afterMs = back.at - second.readyAt;
  assert.equal(portOf(back), tunnel.port, "another port");
  assert.ok(afterMs <= RELAY_DELAY_MS + 1_000, `back ${afterMs} ms after the relay`);
  await servesAgain(tunnel.port);
  return `${typed} bytes typed, ${typed - before} of them while it drained, exit 0; back on its port ${afterMs.toFixed(0)} ms after the next relay`;
}

export const ends: readonly Act[] = [
  { name: "half-closed streams", play: halfClose },
  { name: "visitors of the gap wait and are served", play: parked },
  { name: "a relay that drains, and the next one", play: drain },
];
