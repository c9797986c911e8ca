// Between two events of the world, every promise that can settle does.

/** A tick comes when no promise is left that could go on, so that no chain of them is too long. */
function tick(resolve: () => void): void {
  process.nextTick(resolve);
}

export function drain(): Promise<void> {
  return new Promise(tick);
}
