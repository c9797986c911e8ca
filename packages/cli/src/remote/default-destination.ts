// What a person may leave out of a destination: `me@server` is `ssh://me@server`.

export function defaultDestination(text: string): string {
  return text.includes("://") ? text : `ssh://${text}`;
}
