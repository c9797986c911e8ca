// The same without any platform's types: this folder compiles with `"types": []` and no DOM. Whatever can send
// bytes will do; here it is something that the caller brings.
import { connect, type Line, type Link } from "@holdfast/net";

/** As much of a connection as a line needs. */
export interface Pipe {
  onByte: () => void;
  onEnd: () => void;
  close(): void;
}

export function keepConnected(open: () => Promise<Pipe>): Line<Link & { pipe: Pipe }> {
  return connect({
    dial: async ({ heard, lost }) => {
      const pipe = await open();
      pipe.onByte = heard;
      pipe.onEnd = () => lost();
      return { pipe, close: () => pipe.close() };
    },
  });
}
