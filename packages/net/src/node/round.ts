// The end of the present round of the event loop. What many sockets brought in one round is put off to there and done
// together, so that it leaves in one write: a write costs more than everything else that a short message needs.

/** Of this round: at most a few for each socket that the system reported. */
const waiting: (() => void)[] = [];

/** Run it when the system's reports of this round are worked off, in the order of the calls, with nothing in between. */
export function atEndOfRound(run: () => void): void {
  if (waiting.push(run) === 1) setImmediate(runAll);
}

function runAll(): void {
  const runs = waiting.splice(0);
  let done = 0;
  try {
    for (const run of runs) {
      done += 1;
      run();
    }
  } finally {
    // One that throws does not take the others with it.
    for (const run of runs.slice(done)) atEndOfRound(run);
  }
}
