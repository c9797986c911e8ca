// Runs in the browser: a line over the browser's own WebSocket, which the server cuts three times.
import { connect, watchEpochs, type Dial, type Link } from "@holdfast/net";
import { browserWakes } from "@holdfast/net/browser";

/** The one thing that it needs of the page and that Node has no type for. */
const { location } = globalThis as unknown as { location: { host: string } };

interface SocketLink extends Link {
  readonly socket: WebSocket;
}

const dial: Dial<SocketLink> = ({ signal, heard, lost }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${location.host}/line`);
    signal.addEventListener("abort", () => socket.close());
    socket.onopen = () => resolve({ socket, close: () => socket.close() });
    socket.onerror = () => reject(new Error("the WebSocket failed"));
    socket.onmessage = heard;
    socket.onclose = () => lost();
  });

async function main(): Promise<unknown> {
  const line = connect({ dial, wakes: [browserWakes()], failFast: false });
  const codes: number[] = [];
  const states = new Set<string>();
  const ended = new Promise<void>((resolve) => {
    watchEpochs(line, (code) => {
      codes.push(code);
      if (code <= 0) resolve();
    });
  });
  for await (const status of line.changes()) {
    states.add(status.state);
    if (status.state !== "connected") continue;
    if (status.epoch >= 4) break;
    line.link?.socket.send("cut me");
  }
  const reason = await line.close();
  await ended;
  return { epoch: line.status.epoch, codes, states: [...states].sort(), reason: reason.code };
}

void main()
  .catch((error: unknown) => ({ error: String(error) }))
  .then((result) => fetch("/result", { method: "POST", body: JSON.stringify(result) }));
