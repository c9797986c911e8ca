// The first line of a stream, taken off it; what follows stays for whoever reads next.
import type { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { quoted } from "../../plugin/peer-text.ts";

const NEWLINE = 0x0a;

/** Without its end. @throws HoldfastError `bad_answer` (fatal) without one; whatever destroyed the stream. */
export function firstLine(stream: Readable, mostBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let begun = Buffer.alloc(0);
    const settle = (act: () => void): void => {
      stream.off("readable", onReadable).off("end", onEnd).off("error", onError).off("close", onClose);
      act();
    };
    const fail = (why: string): void => {
      const text = begun.subarray(0, mostBytes).toString().trim();
      const message = `the container's sh ${why}: ${quoted(text)}`;
      settle(() => reject(new HoldfastError({ code: "bad_answer", message, kind: "fatal", fault: "peer" })));
    };
    const onReadable = (): void => {
      for (let chunk = next(stream); chunk !== null; chunk = next(stream)) {
        begun = Buffer.concat([begun, chunk]);
        const end = begun.indexOf(NEWLINE);
        if (end >= 0 && end <= mostBytes) {
          const rest = begun.subarray(end + 1);
          return settle(() => {
            if (rest.length > 0) stream.unshift(rest);
            resolve(begun.subarray(0, end).toString());
          });
        }
        if (begun.length > mostBytes) return fail("began with something else");
      }
    };
    const onEnd = (): void => fail("said nothing");
    const onClose = (): void => fail("was cut off");
    const onError = (error: Error): void => settle(() => reject(error));
    stream.on("readable", onReadable).once("end", onEnd).once("error", onError).once("close", onClose);
  });
}

function next(stream: Readable): Buffer | null {
  return stream.read() as Buffer | null;
}
