// What a request comes to: its answer, and perhaps something that goes on after it.
import type { Answer, Notice } from "../wire/answers.ts";

export interface Outcome {
  readonly answer: Answer;
  /** Called once the answer has been sent: nothing of what follows comes before it. */
  readonly follow?: () => void;
  /** Called instead if nobody waits for the answer any more. */
  readonly discard?: () => void;
}

/** Says something about what a request began. Resolves when there is room for more. */
export type Tell = (notice: Notice) => Promise<void>;
