// Points in time, in milliseconds since 1970, as texts and back. The clock itself is always an argument.

/** RFC 3339 in UTC. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** For libraries that want one. */
export function dateOf(wallMs: number): Date {
  return new Date(wallMs);
}

/** The day alone, for people. */
export function dayText(wallMs: number): string {
  return timeText(wallMs).slice(0, 10);
}

/** `NaN` for what is no time. Takes RFC 3339 and what OpenSSL prints (`Nov 22 11:01:55 2036 GMT`). */
export function parseTime(text: string): number {
  return Date.parse(text);
}
