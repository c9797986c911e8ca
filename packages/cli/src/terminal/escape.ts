// Text from elsewhere, safe on a terminal: what a terminal might obey, and what could make text look like other
// text (changes of the writing direction), is shown as an escape.
const DANGEROUS = /[\p{Cc}\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;

export function escapeText(text: string): string {
  return text.replaceAll(DANGEROUS, (char) => {
    const code = char.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
