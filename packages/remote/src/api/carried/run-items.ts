// The requests of one envelope: in order, or some at a time. Their outcomes are in the order of the requests.
import type { Item } from "../wire/envelope.ts";
import type { ErrorAnswer } from "../wire/answers.ts";
import type { Outcome } from "./outcome.ts";

export interface Order {
  /** How many at the same time. */
  readonly width: number;
  /** After the first error nothing more is asked. */
  readonly failFast: boolean;
}

/** As distant words it. */
const CANCELED: ErrorAnswer = {
  type: "error",
  kind: "interrupted",
  description: "Canceled due to earlier error",
};

/** `run` must not reject. It is called for the first `width` items before this returns. */
export async function runItems(
  items: readonly Item[],
  { width, failFast }: Order,
  run: (item: Item) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const outcomes = items.map((): Outcome => ({ answer: CANCELED }));
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      const outcome = await run(items[index] as Item);
      outcomes[index] = outcome;
      failed = failFast && outcome.answer.type === "error";
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
  return outcomes;
}
