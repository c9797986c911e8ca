// Questions of a far side (passwords, one-time codes, an unknown host key) on the terminal of whoever runs this command.
import type { QuestionPush } from "@holdfast/control";
import type { Output } from "../terminal/output.ts";
import { escapeText } from "../terminal/escape.ts";
import { hasTerminal, readLine } from "../terminal/read-line.ts";

/** `null`: nobody is there, or the person wants no more of it. */
export type AskPerson = (question: QuestionPush) => Promise<string[] | null>;

/** Whether there is a terminal on which somebody can be asked. */
export function canAsk(): boolean {
  return hasTerminal();
}

/** Asks one question after another; of several calls, the second waits for the first. */
export function askPerson(output: Output): AskPerson {
  let before: Promise<unknown> = Promise.resolve();
  return (question) => {
    const answers = before.then(() => askAll(question, output));
    before = answers.catch(() => undefined);
    return answers;
  };
}

async function askAll({ kind, about, questions }: QuestionPush, output: Output): Promise<string[] | null> {
  if (about !== null) output.status(linesOf(about));
  const answers: string[] = [];
  for (const { text, echo } of questions) {
    const prompt = `${linesOf(text).trimEnd()}${kind === "confirm" ? " (yes/no)" : ""} `;
    const answer = kind === "confirm" ? await yesOrNo(prompt) : await readLine(prompt, { echo });
    if (answer === undefined) return null;
    answers.push(answer);
  }
  return answers;
}

async function yesOrNo(prompt: string): Promise<"yes" | "no" | undefined> {
  for (let ask = prompt; ; ask = "please say yes or no: ") {
    const word = (await readLine(ask, { echo: true }))?.trim().toLowerCase();
    if (word === undefined) return undefined;
    if (word === "yes" || word === "no") return word;
  }
}

/** Text of a peer may have several lines, and nothing else that a terminal would obey. */
function linesOf(text: string): string {
  return text.split(/\r?\n/).map(escapeText).join("\n");
}
