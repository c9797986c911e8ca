// The bugs that resumable sessions have had, ours in the making and those of others: each is planted in ours.
import type { Mutant } from "./mutant.ts";

const SESSION = "core/src/session";
const HANDSHAKE = "core/src/session/handshake";
const CORE = `${SESSION}/create-session.ts`;

export const sessionMutants: readonly Mutant[] = [
  {
    id: "S1",
    name: "the resume begins seven bytes early",
    file: CORE,
    find: "log.trim(peer.rx);",
    replace: "log.trim(Math.max(log.acked, peer.rx - 7));",
    also: [{ file: CORE, find: "log.seek(peer.rx);", replace: "log.seek(log.acked);" }],
  },
  {
    id: "S2",
    name: "the newest entry of the log is skipped in the resend",
    file: `${SESSION}/replay-log.ts`,
    find: "    this.cursor = position;\n    this.#index = 0;",
    replace:
      "    const newest = this.#pieces.length > 1 ? this.#pieces.last() : undefined;\n    if (newest !== undefined) newest.end = newest.start;\n    this.cursor = position;\n    this.#index = 0;",
  },
  {
    id: "S3",
    name: "what the application writes is put on the link during the handshake",
    file: CORE,
    find: "const piece = this.attached ? this.#transmitter",
    replace: "const piece = this.#begun && this.end === undefined ? this.#transmitter",
  },
  {
    id: "S4",
    name: "a half-read unsequenced frame survives its link",
    file: `${SESSION}/receiver.ts`,
    find: "    this.#linkLeft = 0;\n    this.#linkCollected = undefined;\n  }\n\n  receive",
    replace: "  }\n\n  receive",
  },
  {
    id: "S5",
    name: "late bytes of an old link are accepted while away",
    file: CORE,
    find: "    if (!this.attached) return;\n    this.#inside = true;\n    this.#receivedBytes",
    replace: "    this.#inside = true;\n    this.#receivedBytes",
    also: [
      {
        file: `${SESSION}/receiver.ts`,
        find: "  detach(): void {\n    this.#open = false;",
        replace: "  detach(): void {",
      },
    ],
  },
  {
    id: "S6",
    name: "the claim is not checked",
    file: `${HANDSHAKE}/server-resume.ts`,
    find: "if (request.claim <= kept.claim) {",
    replace: "if (request.claim < 0) {",
  },
  {
    id: "S7",
    name: "CREDIT that is said again counts for nothing, as if it were unsequenced",
    file: `${SESSION}/receiver.ts`,
    find: "    const fault = this.#handler.sequenced.handle(this.#type, this.#streamId, bytes, from, to);",
    replace:
      "    if (this.#type === FRAME.credit && this.again) return;\n    this.again = false;\n    const fault = this.#handler.sequenced.handle(this.#type, this.#streamId, bytes, from, to);",
    also: [
      {
        file: `${SESSION}/receiver.ts`,
        find: "  attach(): void {\n    this.#open = true;",
        replace: "  attach(): void {\n    this.again = this.rx > 0;\n    this.#open = true;",
      },
    ],
  },
  {
    id: "S8",
    name: "the log is trimmed when it is sent",
    file: `${SESSION}/transmitter.ts`,
    find: "const piece = sender.log.next(until);",
    replace: "const piece = sender.log.next(until);\n    sender.log.trim(sender.log.cursor);",
  },
  {
    id: "S9",
    name: "nothing is acknowledged after the first resume",
    file: CORE,
    find: "this.#acks.received(this.#receiver.rx, now);",
    replace: "if (this.#resumes === 0) this.#acks.received(this.#receiver.rx, now);",
    also: [
      {
        file: CORE,
        find: "rx: () => this.#receiver.rx,",
        replace: "rx: () => (this.#resumes === 0 ? this.#receiver.rx : (this.first ??= this.#receiver.rx)),",
      },
    ],
  },
  {
    id: "S10",
    name: "ACK is one byte ahead",
    file: `${SESSION}/link-output.ts`,
    find: "putUint64(frames, at + HEADER_BYTES, rx);",
    replace: "putUint64(frames, at + HEADER_BYTES, rx + 1);",
  },
  {
    id: "S11",
    name: "a half-read sequenced frame is forgotten with its link",
    file: `${SESSION}/receiver.ts`,
    find: "  detach(): void {",
    replace: "  detach(): void {\n    this.#left = 0;",
  },
  {
    id: "S12",
    name: "the rest of a cut frame is not what comes first",
    file: `${SESSION}/transmitter.ts`,
    find: "if (log.cursor < log.owedUntil) return this.#hand(log.owedUntil, now);",
    replace: "",
    also: [
      {
        file: `${SESSION}/replay-log.ts`,
        find: "this.betweenFrames = this.owedUntil <= position;",
        replace: "this.betweenFrames = true;",
      },
    ],
  },
  {
    id: "S13",
    name: "a late frame for a forgotten stream is an error",
    file: `${SESSION}/sequenced-input.ts`,
    find: "return this.#parts.table.wasOpened(id) ? undefined : `",
    replace: "return `",
  },
  {
    id: "S14",
    name: "the client reads the old link on after RESUME",
    file: `${HANDSHAKE}/client-resume.ts`,
    find: "session.detach(at.now);",
    replace: "",
  },
  {
    id: "S15",
    name: "the server samples its position before it detaches",
    file: `${HANDSHAKE}/server-resume.ts`,
    find: "const keys = yield* authentic(at, id, frame);",
    replace:
      "const early = table.byId(id)?.session.position;\n  const keys = yield* authentic(at, id, frame);",
    also: [
      {
        file: `${HANDSHAKE}/server-resume.ts`,
        find: "position: kept.session.position,",
        replace: "position: early ?? kept.session.position,",
      },
    ],
  },
  {
    id: "S16",
    name: "the claim rises only when a resume succeeds",
    file: `${HANDSHAKE}/client-resume.ts`,
    find: "  instance.claim += 1;\n  const { claim } = instance;",
    replace: "  const claim = instance.claim + 1;",
    also: [
      {
        file: `${HANDSHAKE}/client-resume.ts`,
        find: `if (session.resume(answer.position, at.now)) return`,
        replace: `instance.claim = claim;\n  if (session.resume(answer.position, at.now)) return`,
      },
    ],
  },
  {
    id: "S17",
    name: "the claim is compared before the proof only",
    file: `${HANDSHAKE}/server-resume.ts`,
    find: "const keys = yield* authentic(at, id, frame);",
    replace:
      "const early = request.claim <= (table.byId(id)?.claim ?? 0);\n  const keys = yield* authentic(at, id, frame);",
    also: [
      {
        file: `${HANDSHAKE}/server-resume.ts`,
        find: "if (request.claim <= kept.claim) {",
        replace: "if (early) {",
      },
    ],
  },
  {
    id: "S18",
    name: "FIN overtakes its stream's queue",
    file: `${SESSION}/sender.ts`,
    find: "if (queue.bytes === 0 && sending.finDue) {",
    replace: "if (sending.finDue) {",
  },
  {
    id: "S19",
    name: "frames are made while away",
    file: CORE,
    find: "if (!this.#inside) this.#onWork?.();",
    replace:
      "if (!this.attached && this.#begun && this.end === undefined) this.#sender.make(16_384, this.#now);\n    if (!this.#inside) this.#onWork?.();",
  },
  {
    id: "S20",
    name: "CREDIT that is due is forgotten with the link",
    file: CORE,
    find: "    this.#pings.forget();",
    replace:
      "    this.#pings.forget();\n    for (const { sending } of this.#streams.table) sending.creditDue = false;",
  },
  {
    id: "S21",
    name: "data ignores the replay bound",
    file: `${SESSION}/sender.ts`,
    find: "const mayBulk = log.unacked < Math.min(bound, inFlight.limit);",
    replace: "const mayBulk = log.unacked < inFlight.limit;",
    also: [
      {
        file: `${SESSION}/sender.ts`,
        find: "this.#makeTurn(stream, bound - log.unacked, now);",
        replace: "this.#makeTurn(stream, Infinity, now);",
      },
    ],
  },
  {
    id: "S22",
    name: "streams do not take turns",
    file: `${SESSION}/sender.ts`,
    find: "this.#makeTurn(stream, bound - log.unacked, now);",
    replace:
      "do this.#makeTurn(stream, Math.max(1, bound - log.unacked), now);\n      while (stream.sending.canSend && stream.sending.queue.bytes > 0 && log.unacked < bound);",
  },
  {
    id: "S23",
    name: "RESET is not answered",
    file: `${SESSION}/sequenced-input.ts`,
    find: "if (!oneSide && !sending.ended) stream.stopSending(code, false);",
    replace: "",
  },
  {
    id: "S24",
    name: "STOP is answered by a RESET of both directions",
    file: `${SESSION}/sequenced-input.ts`,
    find: "stream.stopSending(uint32At(bytes, from), true);",
    replace: "stream.stopSending(uint32At(bytes, from), false);",
  },
  {
    id: "S25",
    name: "streams above the last of a GOAWAY are accepted by who sent it",
    file: `${SESSION}/sequenced-input.ts`,
    find: "if (id > table.lastTaken) {",
    replace: "if (id < 0) {",
  },
  {
    id: "S26",
    name: "the last stream of a GOAWAY is reported as not processed",
    file: `${SESSION}/streams.ts`,
    find: "if (stream.fromPeer || stream.id <= last) continue;",
    replace: "if (stream.fromPeer || stream.id < last) continue;",
  },
  {
    id: "S27",
    name: "CLOSE is said before everything was acknowledged",
    file: `${SESSION}/drain.ts`,
    find: `if (this.#phase.type === "flushing" && is.attached && is.delivered) {`,
    replace: `if (this.#phase.type === "flushing" && is.attached) {`,
  },
  {
    id: "S28",
    name: "CLOSE drops what was received and not read",
    file: `${SESSION}/streams.ts`,
    find: `      this.#cut(stream, code, "us");\n      stream.receiving.window.release();`,
    replace: `      this.#cut(stream, code, "us");\n      stream.receiving.queue.clear();\n      stream.receiving.window.release();`,
  },
  {
    id: "S29",
    name: "data that does not move is not noticed",
    file: `${SESSION}/no-progress.ts`,
    find: "if (!this.#outstanding || now < this.#checkAt) return false;",
    replace: "if (now < Infinity) return false;",
  },
  {
    id: "S30",
    name: "an ACK that waits behind the peer's bulk is not waited for",
    file: `${SESSION}/no-progress.ts`,
    find: "if (rx - this.#verdictRx >= peerReplayBytes + HEADROOM_BYTES) return true;",
    replace: "if (rx >= this.#verdictRx) return true;",
  },
  {
    id: "S31",
    name: "a lost session ends its streams as if they were complete",
    file: `${SESSION}/streams.ts`,
    find: `if (!receiving.ended) stream.endReceiving({ type: "reset", code, by });`,
    replace: `if (!receiving.ended) stream.endReceiving({ type: "finished" });`,
  },
  {
    id: "S32",
    name: "the final offset of RESET counts what was queued",
    file: `${SESSION}/stream-state.ts`,
    find: "    sending.queue.clear();\n    sending.end = end;",
    replace:
      "    sending.bytesOut += sending.queue.bytes;\n    sending.queue.clear();\n    sending.end = end;",
  },
  {
    id: "S33",
    name: "RESET of a stream clears the CREDIT that is due for it",
    file: `${SESSION}/stream-state.ts`,
    find: "      sending.resetDue = code;",
    replace: "      sending.resetDue = code;\n      sending.creditDue = false;",
  },
  {
    id: "S34",
    name: "any byte that the system takes counts as progress",
    file: `${SESSION}/no-progress.ts`,
    find: "if (bytes < this.#queued && waited) this.#moved(now);",
    replace: "if (bytes < this.#queued) this.#moved(now);",
  },
  {
    id: "S35",
    name: "ACK comes after the log",
    file: `${SESSION}/transmitter.ts`,
    find: "    if (output.due) return output.encode(rx(), now);\n",
    replace: "",
    also: [
      {
        file: `${SESSION}/transmitter.ts`,
        find: "    return output.nextDatagram(log.cursor);\n  }",
        replace: "    return output.due ? output.encode(rx(), now) : output.nextDatagram(log.cursor);\n  }",
      },
    ],
  },
];
