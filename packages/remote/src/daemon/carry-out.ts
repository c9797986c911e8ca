// What commands ask a daemon for, and its answers: at once; what becomes of it is told by events.
import type { CarryOut, ControlPeer, DaemonRequest, Reply } from "@holdfast/control";
import { atEndOfRound } from "@holdfast/net/node";
import type { ConnectionTable } from "./connection-table.ts";
import { stoppingFailure } from "./daemon-failures.ts";
import type { ForwardTable } from "./forward-table.ts";
import type { Questions } from "./questions.ts";

export interface CarryOutParts {
  readonly connections: ConnectionTable;
  readonly forwards: ForwardTable;
  readonly questions: Questions;
  readonly sessionSocket: string;
  readonly stopping: () => boolean;
  /** What changed so far is on disk. */
  readonly saved: () => Promise<void>;
}

export function carryOut(parts: CarryOutParts): CarryOut {
  return (request, peer) => answer(parts, request, peer);
}

async function answer(parts: CarryOutParts, request: DaemonRequest, peer: ControlPeer): Promise<Reply> {
  const { connections, forwards, questions, sessionSocket, saved } = parts;
  if (parts.stopping()) throw stoppingFailure();
  switch (request.type) {
    case "connect": {
      const { held, joined } = await connections.connect(request, peer);
      // Whoever has the id can rely on it that nobody else gets it, whatever happens to this process.
      await saved();
      // The answer comes before the events that follow from it.
      if (!joined) atEndOfRound(() => void held.follow());
      return { type: "connect_initiated", id: held.id, joined };
    }
    case "attach": {
      const held = connections.get(request.id);
      if (held.refresh(request.environment)) held.retryIfAsking();
      return { type: "attached", id: held.id, session_socket: sessionSocket, machine: String(held.id) };
    }
    case "authenticate": {
      const held = connections.get(request.id);
      held.authenticate(peer);
      return { type: "authenticate_initiated", id: held.id };
    }
    case "answer":
      questions.answer(request.question, request.answers, peer);
      return { type: "answered", question: request.question };
    case "forward": {
      const { held, joined } = await forwards.forward(request, connections.get(request.connection), peer);
      await saved();
      return { type: "forwarded", id: held.id, joined };
    }
  }
}
