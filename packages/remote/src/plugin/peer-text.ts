// What a far side says, made fit to be shown: a server, an engine or a container may say anything, also what a
// terminal would obey.

const MOST_TEXT = 300;
/** Paths may be this long. */
const MOST_QUOTED = 4_200;
/** Beside control characters, what turns the direction of text, or ends a line. */
const DANGEROUS = /[\p{Cc}\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;

/** Text from the peer for an error or a warning, on one line and cut after `most` characters. */
export function peerText(text: string, most: number = MOST_TEXT): string {
  return escaped(text.length > most ? `${text.slice(0, most)}…` : text);
}

/** A name or a word that anybody may have made up, in double quotes. */
export function quoted(text: string): string {
  return peerText(JSON.stringify(text), MOST_QUOTED);
}

/** Text from the peer that a person is asked with: line breaks stay, because instructions have them. */
export function peerLines(text: string, most: number): string {
  return text
    .slice(0, most)
    .split(/\r?\n/)
    .map((line) => escaped(line))
    .join("\n");
}

function escaped(text: string): string {
  return text.replaceAll(DANGEROUS, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
