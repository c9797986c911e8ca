// Texts of peers, fit to be shown to people.

const MAX_PRINTED_CHARACTERS = 300;

/** A text of a peer, fit to be shown: control bytes escaped, its length bounded. */
export function printable(text: string): string {
  const short = text.length > MAX_PRINTED_CHARACTERS ? `${text.slice(0, MAX_PRINTED_CHARACTERS)}…` : text;
  return short.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
