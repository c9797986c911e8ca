// Questions that a plugin has for a person while it connects: passwords, one-time codes, an unknown host key.
import { HoldfastError } from "@holdfast/core";

export interface Question {
  /** As the far side words it; printed with control bytes escaped. */
  readonly text: string;
  /** Whether the answer may be seen while it is typed. */
  readonly echo: boolean;
}

export interface Interaction {
  /** Whether somebody can be asked at all. */
  readonly attended: boolean;
  /** All answers, in order. @throws HoldfastError `auth_required` if nobody is there; `interrupted`. */
  ask(questions: readonly Question[], about?: string): Promise<readonly string[]>;
  /** Yes or no. */
  confirm(text: string): Promise<boolean>;
}

/** Nobody is there: every question ends the dial, and the line waits in `auth_required` with the question. */
export const UNATTENDED: Interaction = {
  attended: false,
  ask: (questions) => Promise.reject(authRequired(questions[0]?.text ?? "credentials are needed")),
  confirm: (text) => Promise.reject(authRequired(text)),
};

/** A person is needed: the line waits in `auth_required`, and an answer resumes it. */
export function authRequired(prompt: string, hint?: string): HoldfastError {
  const details = { code: "auth_required", message: prompt, prompt, hint } as const;
  return new HoldfastError({ ...details, kind: "unauthorized", fault: "peer" });
}
