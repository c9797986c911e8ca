// A process that speaks at once finds its streams: they are open before it is asked for.
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { SessionHandle } from "@holdfast/net/session";
import { expect, it } from "vitest";
import { RecordPort } from "../../src/native/record-port.ts";
import { decodeOpening, PURPOSE } from "../../src/native/wire/opening.ts";
import { RECORD } from "../../src/native/wire/record.ts";
import { startStage } from "./stage.ts";

it("the three streams of a process are open when its request comes", async () => {
  const open: number[] = [];
  let openAtRequest: readonly number[] | undefined;
  const serve = (stream: SessionStream, session: SessionHandle): void => {
    const purpose = decodeOpening(stream)?.purpose;
    if (purpose !== PURPOSE.process) return void open.push(purpose ?? 0);
    const port = new RecordPort(stream, session);
    void port.expect(RECORD.request).then(() => {
      openAtRequest = [...open];
      stream.reset(RESET.notProcessed);
    });
  };
  const { machine } = await startStage({ serve });
  await expect(machine.start({ command: ["true"] })).rejects.toMatchObject({ code: "unsupported" });
  expect(openAtRequest).toEqual([PURPOSE.stdin, PURPOSE.stdout, PURPOSE.stderr]);
});
