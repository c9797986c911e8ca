// The code of an error of the operating system (`ENOENT`), or whatever says most of anything else.
export function errorCode(thrown: unknown): string {
  if (thrown instanceof Error) {
    const code = (thrown as NodeJS.ErrnoException).code;
    return code ?? thrown.message;
  }
  return String(thrown);
}
