// Linux's signals. A process that one ended has the exit code 128 + n, which is all that an engine tells.

const NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
};
const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name]));
const SIGNALLED = 128;

export function isSignalName(name: string): boolean {
  return Object.hasOwn(NUMBERS, name);
}

/** What the code says; a program that itself exits with 128 + n looks like a signalled one. */
export function endOfExitCode(code: number): { readonly code: number } | { readonly signal: string } {
  const signal = NAMES.get(code - SIGNALLED);
  return signal === undefined ? { code } : { signal };
}
