// Between two events of the world, every promise that can settle does.

/** A tick comes when no promise is left that could go on, so that no chain of them is too long. */
function tick(resolve: () => void): void {
  process.nextTick(resolve);
}

export async function drain(): Promise<void> {
  // In the turn of a timer or a message the ticks that it asked for come first; behind a promise they come last.
  await Promise.resolve();
  await new Promise<void>(tick);
}
