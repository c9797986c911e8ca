// What is to happen, soonest first; what happens at the same instant comes in an order that the seed decides.

export interface Appointment {
  readonly at: number;
  /** Decides between appointments of the same instant. */
  readonly tie: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** So many are never looked through for cancelled ones. */
const FEW = 512;

/** A binary heap. */
export class Agenda {
  /** At most twice as many as are not cancelled, or `FEW`. */
  #heap: Appointment[] = [];
  #sweepAt = FEW;

  get size(): number {
    return this.#heap.length;
  }

  get first(): Appointment | undefined {
    return this.#heap[0];
  }

  add(appointment: Appointment): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    this.#insert(appointment);
  }

  #insert(appointment: Appointment): void {
    const heap = this.#heap;
    let index = heap.push(appointment) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(appointment, heap[parent] as Appointment)) break;
      heap[index] = heap[parent] as Appointment;
      index = parent;
    }
    heap[index] = appointment;
  }

  /** Deadlines are put off again and again: what was cancelled need not be kept until its time. */
  #sweep(): void {
    const kept = this.#heap.filter(({ cancelled }) => !cancelled);
    this.#heap = [];
    for (const appointment of kept) this.#insert(appointment);
    this.#sweepAt = Math.max(FEW, 2 * kept.length);
  }

  take(): Appointment | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Appointment, heap[child] as Appointment))
        child += 1;
      if (!before(heap[child] as Appointment, last)) break;
      heap[index] = heap[child] as Appointment;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(a: Appointment, b: Appointment): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}
