// Runs in the browser: exposes an echo through a real relay, over a session on the browser's own WebSocket. A visitor
// who sends "bye" ends it.
import { KIND, type SessionStream } from "@holdfast/core/session";
import { browserWakes, webSocket } from "@holdfast/net/browser";
import { openSession, webCrypto, webStream, type SessionHandle } from "@holdfast/net/session";

const { location } = globalThis as unknown as { location: { search: string } };
const url = new URLSearchParams(location.search).get("relay") ?? "";

let sessions = 0;
let reason = "";
const line = openSession({
  dial: webSocket({ url }),
  crypto: webCrypto(),
  ownerKey: crypto.getRandomValues(new Uint8Array(32)),
  failFast: false,
  backoff: { initialMs: 100, maxMs: 1_000 },
  wakes: [browserWakes()],
  onSession(session) {
    sessions += 1;
    void bind(session).catch((error: unknown) => (reason = String(error)));
  },
  onStream: (stream, session) => void echo(stream, session).catch(() => undefined),
});

/** Ask for any port, and tell the page's server which one it is. */
async function bind(session: SessionHandle): Promise<void> {
  const control = session.open(KIND.control, new TextEncoder().encode("tunnel/1"));
  const { readable } = webStream(control, session);
  const request = { type: "bind", id: 1, port: 0, target: "browser", force: false };
  control.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
  const { value } = await (readable as ReadableStream<Uint8Array>).getReader().read();
  await fetch("/port", { method: "POST", body: value ?? "" });
}

async function echo(stream: SessionStream, session: SessionHandle): Promise<void> {
  const { readable, writable } = webStream(stream, session);
  const [toVisitor, toUs] = (readable as ReadableStream<Uint8Array>).tee();
  const first = toUs.getReader();
  const opening = first.read().then(({ value }) => new TextDecoder().decode(value?.subarray(0, 3)));
  await Promise.all([toVisitor.pipeTo(writable as WritableStream<Uint8Array>), drain(first, opening)]);
  if ((await opening) === "bye") await finish();
}

/** The second copy is thrown away, or it would pile up. */
async function drain(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  after: Promise<unknown>,
): Promise<void> {
  await after;
  while (!(await reader.read()).done);
}

async function finish(): Promise<void> {
  const { epoch } = line.line.status;
  await line.drain(2_000);
  const result = { epoch, sessions, reason };
  await fetch("/result", { method: "POST", body: JSON.stringify(result) });
}
