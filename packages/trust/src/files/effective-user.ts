// Who this process is, for the file system. The one place of this package that asks the process; the system's list
// of users (`os.userInfo`) is no way round it, for that may be asked over a network that is away.

/** The user that files are opened as and belong to; `undefined` where the system has no such numbers (Windows). */
export function effectiveUser(): number | undefined {
  return process.geteuid?.();
}
