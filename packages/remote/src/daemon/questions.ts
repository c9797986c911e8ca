// What dials ask people: sent to the command that attends the dial, and open until it answers, refuses or goes.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";
import type { ControlPeer, QuestionPush } from "@holdfast/control";
import { authRequired, type Interaction, type Question } from "../plugin/interaction.ts";

export interface QuestionsOptions {
  readonly clock: Clock;
  /** How long a person may think, in milliseconds. */
  readonly thinkMs: number;
}

interface Open {
  readonly id: number;
  readonly peer: ControlPeer;
  readonly prompt: string;
  readonly count: number;
  readonly timer: Timer;
  resolve(answers: readonly string[]): void;
  reject(failure: HoldfastError): void;
}

type Asked = Pick<QuestionPush, "kind" | "about" | "questions">;

const NOBODY = "nobody answered: `holdfast authenticate` asks again";

export class Questions {
  readonly #options: QuestionsOptions;
  /** At most one for each dial that somebody attends. */
  readonly #open = new Map<number, Open>();
  #last = 0;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Asks this client what dials of this connection want to know; what others have not answered is refused. */
  attendedBy(id: number, peer: ControlPeer): Interaction {
    this.refuse(id);
    let gone = false;
    void peer.gone.then(() => {
      gone = true;
      for (const open of this.#open.values()) if (open.peer === peer) this.#refuse(open);
    });
    const ask = (asked: Asked): Promise<readonly string[]> =>
      gone ? Promise.reject(authRequired(promptOf(asked), NOBODY)) : this.#ask(id, peer, asked);
    return {
      attended: true,
      ask: (questions, about) => ask({ kind: "ask", about: about ?? null, questions: questions.map(shown) }),
      confirm: async (text) => {
        const [answer] = await ask({ kind: "confirm", about: null, questions: [{ text, echo: true }] });
        return answer === "yes";
      },
    };
  }

  /** Whether a person thinks about a question of this connection. */
  isOpen(id: number): boolean {
    return [...this.#open.values()].some((open) => open.id === id);
  }

  /**
   * What a person answered; `null`: nothing.
   * @throws HoldfastError `unknown_question` if it is not open, or was put to somebody else; `bad_request` if the
   * number of answers is not that of the questions: it stays open then.
   */
  answer(question: number, answers: readonly string[] | null, peer: ControlPeer): void {
    const open = this.#open.get(question);
    if (open === undefined || open.peer !== peer) throw unknownQuestion(question);
    if (answers === null) return this.#refuse(open);
    if (answers.length !== open.count) throw wrongNumber(open.count, answers.length);
    this.#close(question);
    open.resolve(answers);
  }

  /** Nobody answers any more what this connection asks. */
  refuse(id: number): void {
    for (const open of this.#open.values()) if (open.id === id) this.#refuse(open);
  }

  #ask(id: number, peer: ControlPeer, asked: Asked): Promise<readonly string[]> {
    const { clock, thinkMs } = this.#options;
    this.#last += 1;
    const question = this.#last;
    return new Promise((resolve, reject) => {
      const timer = clock.timer(() => this.#refuse(open));
      const count = asked.questions.length;
      const open: Open = { id, peer, prompt: promptOf(asked), count, timer, resolve, reject };
      this.#open.set(question, open);
      timer.set(thinkMs);
      peer.push({ type: "question", id, question, ...asked });
    });
  }

  #refuse(open: Open): void {
    for (const [question, other] of this.#open) if (other === open) this.#close(question);
    open.reject(authRequired(open.prompt, NOBODY));
  }

  #close(question: number): void {
    this.#open.get(question)?.timer.clear();
    this.#open.delete(question);
  }
}

function shown({ text, echo }: Question): { text: string; echo: boolean } {
  return { text, echo };
}

function promptOf({ questions, about }: Asked): string {
  return questions[0]?.text ?? about ?? "an answer is needed";
}

function unknownQuestion(question: number): HoldfastError {
  const message = `no question ${question} was put to you, or it is not open any more`;
  return new HoldfastError({ code: "unknown_question", message, kind: "fatal", fault: "peer" });
}

function wrongNumber(wanted: number, given: number): HoldfastError {
  const message = `${wanted} answers are wanted, ${given} were given`;
  return new HoldfastError({ code: "bad_request", message, kind: "fatal", fault: "peer" });
}
