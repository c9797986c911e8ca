// Who listens to a daemon through one control connection: each hears what is of its own topics.
import type { ControlClient, Push, QuestionPush, Topic } from "@holdfast/control";
import type { HoldfastError } from "@holdfast/core";

export interface DaemonListener {
  /** Asked for again on each new connection to a daemon. Default: none. */
  readonly topics?: readonly Topic[];
  /** Snapshots and events of the topics; each new connection to a daemon begins with a snapshot. */
  readonly onPush?: (push: Push) => void;
  /** What a person is asked, after `connect` with `attended` or `authenticate`. */
  readonly onQuestion?: (question: QuestionPush) => void;
  /** The daemon is gone, and is waited for. */
  readonly onAway?: (failure: HoldfastError | undefined) => void;
  /** There is a daemon again. What was not kept has to be asked for again, with the same keys. */
  readonly onBack?: (control: ControlClient) => void;
}

export class Listeners {
  /** One for each part of this program that looks at the daemon. */
  readonly #all = new Set<DaemonListener>();

  add(listener: DaemonListener): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  /** Everybody's, and `daemon`: whether it ends in order must be known to tell a crash from it. */
  get topics(): readonly Topic[] {
    return [...new Set<Topic>(["daemon", ...[...this.#all].flatMap(({ topics = [] }) => topics)])];
  }

  push(push: Push): void {
    for (const { topics = [], onPush } of this.#all) {
      const wanted = onPush && wantedOf(push, topics);
      if (wanted !== undefined) onPush?.(wanted);
    }
  }

  question(question: QuestionPush): void {
    for (const { onQuestion } of this.#all) onQuestion?.(question);
  }

  away(failure: HoldfastError | undefined): void {
    for (const { onAway } of this.#all) onAway?.(failure);
  }

  back(control: ControlClient): void {
    for (const { onBack } of this.#all) onBack?.(control);
  }
}

function wantedOf(push: Push, topics: readonly Topic[]): Push | undefined {
  const wants = (type: string): boolean =>
    topics.some((topic) => topic === "all" || type === topic || type.startsWith(`${topic}_`));
  switch (push.type) {
    case "missed":
      return topics.length === 0 ? undefined : push;
    case "event":
      return wants(push.event.type) ? push : undefined;
    case "snapshot":
      return topics.length === 0
        ? undefined
        : { ...push, entries: push.entries.filter(({ type }) => wants(type)) };
  }
}
